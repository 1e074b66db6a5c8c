/** Files that Lockstep itself makes: small, whole in memory, timeless until they are put into a layer. */

interface GeneratedBase {
  /** As in `Entry`: no leading slash. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type GeneratedFile =
  | (GeneratedBase & { readonly type: "file"; readonly content: Uint8Array })
  | (GeneratedBase & { readonly type: "symlink"; readonly target: string })
  | (GeneratedBase & { readonly type: "directory" });

/** Pairs of images that were made with other tools, one thing changed in between. */

export interface RealPair {
  /** The row of the catalogue, as for programmatic pairs. */
  readonly cause: string;
  readonly or?: readonly string[];
  readonly what: string;
  /** What is not on this machine; undefined where the pair can be made. */
  readonly missing?: string;
  /** Makes both images below a directory, and gives their names for explain. */
  readonly make: (directory: string) => Promise<readonly [string, string]>;
}

export const realPairs: readonly RealPair[] = [];

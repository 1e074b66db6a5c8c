/** What is known of a binary package once it has been unpacked: enough to make the files of the system without unpacking it again. */
import type { Entry } from "../../tree/entry.ts";

/** Control members kept whole; `templates` holds the defaults that debconf would answer with. */
export const scriptNames = ["preinst", "postinst", "prerm", "postrm", "config", "templates", "triggers"] as const;
export type ScriptName = (typeof scriptNames)[number];

/** An ELF object below a library directory, as ldconfig sees it. */
export interface ElfLibrary {
  readonly path: string;
  /** DT_SONAME; absent when the object has none. */
  readonly soname?: string;
  /** ELF class: 32 or 64 bits. */
  readonly bits: 32 | 64;
  /** e_machine: 62 is x86-64, 183 is AArch64, 3 is i386 (ELF gABI, "ELF Header"). */
  readonly machine: number;
}

export interface PackageFacts {
  /** Fields of the control file by name, values with their continuation lines as written (deb-control(5)). */
  readonly control: Readonly<Record<string, string>>;
  /** Lines of the conffiles control member: absolute paths as written. */
  readonly conffiles: readonly string[];
  /** MD5 of each file's content for `status` and `md5sums`, by path; from the md5sums member, computed where it has none. */
  readonly md5: Readonly<Record<string, string>>;
  /** Maintainer scripts and triggers, whole. They are read, never run. */
  readonly scripts: Readonly<Partial<Record<ScriptName, string>>>;
  /** Entries of data.tar after path rules (merged /usr), sorted by path. */
  readonly entries: readonly Entry[];
  /** Contents of the files that `isSystemInput` names, by path, base64. */
  readonly contents: Readonly<Record<string, string>>;
  readonly libraries: readonly ElfLibrary[];
}

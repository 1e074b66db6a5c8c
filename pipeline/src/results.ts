/** What `pin` and `ship` give. */
import { type Directory, type File, func, object } from "@dagger.io/dagger";

/** A new lock. */
@object()
export class Pinned {
  /** The lock: `export --path lockstep.lock`. */
  @func() lock: File;

  /** What moved, for people. */
  @func() changes: string;

  constructor(lock: File, changes: string) {
    this.lock = lock;
    this.changes = changes;
  }
}

/** Everything that `ship` makes. */
@object()
export class Shipped {
  /** Layouts, SBOMs and attestations, as they lie in `out/`. */
  @func() out: Directory;

  /** The rendered manifests: `export --path manifests/rendered`. */
  @func() manifests: Directory;

  /** What was shipped, for people. */
  @func() summary: string;

  constructor(out: Directory, manifests: Directory, summary: string) {
    this.out = out;
    this.manifests = manifests;
    this.summary = summary;
  }
}

/** What `publish` and `copy` say of what they have done. */
import type { Transferred } from "../registry/transfer.ts";
import { humanBytes } from "../report/format.ts";
import { table } from "../report/table.ts";
import type { CopyDocument } from "./documents/publish.ts";

export function describeTransfer({
  from,
  to,
  digest,
  mediaType,
  tags,
  manifests,
  blobs,
  sent,
}: Transferred): CopyDocument {
  return { from, to, digest, mediaType, tags, manifests, blobs, sent };
}

export function shownTransfers(all: readonly Transferred[]): string {
  return table(all, [
    { title: "written", value: ({ to }) => to },
    { title: "tags", value: ({ tags }) => tags.join(" ") },
    { title: "sent", value: ({ sent }) => humanBytes(sent), align: "right" },
    {
      title: "blobs",
      value: ({ blobs }) => `${blobs.pushed} sent, ${blobs.mounted} taken over, ${blobs.present} there`,
    },
  ]);
}

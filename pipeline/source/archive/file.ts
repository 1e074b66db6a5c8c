/** An input that is the content of one file. */
import { LockstepError } from "../../host/errors.ts";
import type { EntrySink, InputBlob } from "./sink.ts";

/** Mode and owner of the file. */
interface FileMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Sends the blob as the file that the input's own path names. LS3001 and LS3002 as the store gives them. */
export async function unpackFile(blob: InputBlob, sink: EntrySink, { mode, uid, gid }: FileMetadata): Promise<void> {
  const known = await blob.store.find(blob.digest);
  if (known === undefined) {
    throw new LockstepError({ code: "LS3002", message: `blob ${blob.digest} is not in the store`, place: blob.place });
  }
  await sink.entry({ type: "file", path: "", mode, uid, gid, mtime: 0, size: known.size });
  for await (const piece of blob.store.stream(blob.digest)) await sink.content(piece);
}

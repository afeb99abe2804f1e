import 'server-only';
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { NOTE_NAME } from '../../files/transfer/archive/archive';
import { readTar } from '../../files/transfer/archive/tar-reader';

/**
 * The contents of an archive on disk. `contentBytes`: the unpacked files, without the list of omitted ones. `bytes` and
 * `sha256`: the archive itself.
 */
export type ArchiveReading = { bytes: number; sha256: string; entries: number; contentBytes: number };

const CHUNK_BYTES = 256 * 1024;

/** Reads a whole archive, with gzip checksums, entry by entry. Throws if it is corrupt or truncated. */
export async function readArchive(file: FileHandle, signal?: AbortSignal): Promise<ArchiveReading> {
  const digest = createHash('sha256');
  const reading = { bytes: 0, entries: 0, contentBytes: 0 };
  async function* pieces(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, reading.bytes);
      if (bytesRead === 0) return;
      const piece = buffer.subarray(0, bytesRead);
      digest.update(piece);
      reading.bytes += bytesRead;
      yield piece;
    }
  }
  const unpacked = createGunzip();
  // An error surfaces in the loop below.
  pipeline(Readable.from(pieces(), { objectMode: false }), unpacked, () => {});
  for await (const { kind, path, sizeBytes } of readTar(unpacked)) {
    reading.entries += 1;
    const isNote = path.length === 1 && path[0] === NOTE_NAME;
    if (kind === 'file' && !isNote) reading.contentBytes += sizeBytes;
  }
  return { ...reading, sha256: digest.digest('hex') };
}

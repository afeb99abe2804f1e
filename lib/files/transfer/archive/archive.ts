import 'server-only';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { splitPath } from '../../browse/folders';
import { openFiles } from '../../browse/reader';
import type { ArchiveFormat } from '../../schema';
import { safeFileName } from '../attachment';
import { bytesOf, type SafeEntry, SafeNames } from './entry';
import { LeftOut } from './left-out';
import type { ArchiveCount, ArchiveLimit } from './schema';
import { readSelected, type Selected } from './source';
import { writeTar } from './tar-writer';
import { writeZip } from './zip-writer';

/** Where the list of a zip's entries, which is kept until its end, would fill the memory. */
export const LIFTED_LIMIT: ArchiveLimit = { entries: 2_000_000, bytes: Number.POSITIVE_INFINITY };

/** Of the time that a tar takes, this costs the least for most of the gain. */
const GZIP_LEVEL = 4;
const PIECE_BYTES = 64 * 1024;
/** The file that lists what an archive lacks, where it lacks anything. */
export const NOTE_NAME = 'LEFT-OUT.txt';

/** `count`: what went into it so far; all of it once it has ended. */
export type OpenedArchive = { fileName: string; body: Readable; count: ArchiveCount };

type Order = {
  paths: readonly string[];
  format: ArchiveFormat;
  limit: ArchiveLimit;
  /** Ends it, wherever it is. */
  signal: AbortSignal;
};

/**
 * Everything at and below some places of a sandbox as one archive, made while it is read: nothing of it is kept here and
 * nothing is written there. Links, devices and what cannot be read are left out and listed in a file of the archive.
 * @throws FileError where one of the places is not there
 */
export async function openArchive(sandboxId: string, order: Order): Promise<OpenedArchive> {
  const envd = await openFiles(sandboxId);
  for (const path of order.paths) await envd.stat(path, order.signal);
  const selected = nameAll(order.paths, sandboxId);
  const count: ArchiveCount = { files: 0, folders: 0, bytes: 0, leftOut: 0, isCut: false };
  const entries = safeEntries({ envd, selected, signal: order.signal, count, limit: order.limit });
  const [only] = selected.length === 1 ? selected : [];
  return {
    fileName: `${safeFileName(only?.name ?? sandboxId)}.${order.format}`,
    body: order.format === 'zip' ? readableOf(writeZip(entries)) : gzipped(readableOf(writeTar(entries))),
    count,
  };
}

/** Each place under its own name; those of the same name are numbered. */
function nameAll(paths: readonly string[], sandboxId: string): Selected[] {
  const taken = new Map<string, number>([[NOTE_NAME, 1]]);
  return [...new Set(paths)].map((path) => {
    const name = splitPath(path).name || sandboxId;
    const times = (taken.get(name) ?? 0) + 1;
    taken.set(name, times);
    return { path, name: times === 1 ? name : `${name}~${times}` };
  });
}

type Work = {
  envd: Awaited<ReturnType<typeof openFiles>>;
  selected: readonly Selected[];
  signal: AbortSignal;
  count: ArchiveCount;
  limit: ArchiveLimit;
};

async function* safeEntries(work: Work): AsyncGenerator<SafeEntry, void, undefined> {
  const leftOut = new LeftOut();
  const names = new SafeNames();
  for (const selected of work.selected) {
    if (work.count.isCut) break;
    yield* safeEntriesOf(work, selected, names, leftOut);
  }
  work.count.leftOut = leftOut.count;
  if (leftOut.count === 0) return;
  const note = leftOut.toText();
  const times = { modifiedAtMs: Date.now(), isExecutable: false };
  yield { name: NOTE_NAME, kind: 'file', sizeBytes: note.length, body: bytesOf(note), ...times };
}

async function* safeEntriesOf(
  { envd, signal, count, limit }: Work,
  selected: Selected,
  names: SafeNames,
  leftOut: LeftOut,
): AsyncGenerator<SafeEntry, void, undefined> {
  const source = { envd, signal, miss: (words: string) => leftOut.add(words) };
  for await (const entry of readSelected(source, selected)) {
    const { kind, path, sizeBytes, modifiedAtMs, mode, body } = entry;
    const name = names.nameOf(path);
    if (name === null) continue;
    if (kind === 'link' || kind === 'other') {
      leftOut.add(
        kind === 'link' ? `${path.join('/')} -> ${entry.linkTarget}` : `${path.join('/')}: no file`,
      );
      continue;
    }
    const entries = count.files + count.folders;
    if (entries >= limit.entries || count.bytes + sizeBytes > limit.bytes) {
      count.isCut = true;
      leftOut.add(`${path.join('/')} and all that comes after it: the limit of an archive is reached`);
      return;
    }
    count.files += kind === 'file' ? 1 : 0;
    count.folders += kind === 'directory' ? 1 : 0;
    count.bytes += sizeBytes;
    yield { name, kind, sizeBytes, modifiedAtMs, isExecutable: (mode & 0o111) !== 0, body };
  }
}

function readableOf(chunks: AsyncIterable<Buffer>): Readable {
  return Readable.from(inPieces(chunks), { objectMode: false, highWaterMark: PIECE_BYTES });
}

/** The same bytes in fewer pieces: each costs the same on its way, however small. */
async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    size += chunk.length;
    if (size < PIECE_BYTES) continue;
    yield Buffer.concat(held, size);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held, size);
}

function gzipped(source: Readable): Readable {
  const gzip = createGzip({ level: GZIP_LEVEL });
  // Its failure is the failure of what is read.
  pipeline(source, gzip, () => {});
  return gzip;
}

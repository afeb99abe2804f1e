import 'server-only';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { idOf, type SandboxKey } from '../../../sandbox-key';
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

/** The entry limit bounds the memory of a zip's central directory. */
export const LIFTED_LIMIT: ArchiveLimit = { entries: 2_000_000, bytes: Number.POSITIVE_INFINITY };

/** Most of the compression for little of the time. */
const GZIP_LEVEL = 4;
/** A zip stores the length of a name in 16 bits. */
const MAX_NAME_BYTES = 65_000;
/** For all names of an archive. Bounds the memory of a zip's central directory, which holds them. */
const MAX_NAMES_BYTES = 512 * 2 ** 20;
const PIECE_BYTES = 64 * 1024;
/** How many names of a path that is too long are listed. */
const LONG_PATH_NAMES = 3;
/** Lists the entries that are missing from an archive. */
export const NOTE_NAME = 'LEFT-OUT.txt';

/** `count` is updated while the archive is read. */
export type OpenedArchive = { fileName: string; body: Readable; count: ArchiveCount };

type ArchiveOptions = {
  paths: readonly string[];
  format: ArchiveFormat;
  limit: ArchiveLimit;
  signal: AbortSignal;
};

/**
 * Streams some paths of a sandbox and everything below them as one archive. Stores nothing on either side. Links, devices
 * and unreadable files are left out and listed in a note inside the archive.
 * @throws FileError if a path does not exist
 */
export async function openArchive(sandboxKey: SandboxKey, options: ArchiveOptions): Promise<OpenedArchive> {
  const envd = await openFiles(sandboxKey);
  for (const path of options.paths) await envd.stat(path, options.signal);
  const selected = nameAll(options.paths, sandboxKey);
  const count: ArchiveCount = { files: 0, folders: 0, bytes: 0, leftOut: 0, fault: null, isCut: false };
  const entries = safeEntries({
    sandboxKey,
    envd,
    selected,
    signal: options.signal,
    count,
    limit: options.limit,
  });
  const [only] = selected.length === 1 ? selected : [];
  return {
    fileName: `${safeFileName(only?.name ?? idOf(sandboxKey))}.${options.format}`,
    body: options.format === 'zip' ? readableOf(writeZip(entries)) : gzipped(readableOf(writeTar(entries))),
    count,
  };
}

/** Gives each path a unique top-level name. */
function nameAll(paths: readonly string[], sandboxKey: SandboxKey): Selected[] {
  const taken = new Map<string, number>([[NOTE_NAME, 1]]);
  return [...new Set(paths)].map((path) => {
    const name = splitPath(path).name || idOf(sandboxKey);
    const times = (taken.get(name) ?? 0) + 1;
    taken.set(name, times);
    return { path, name: times === 1 ? name : `${name}~${times}` };
  });
}

type Work = {
  sandboxKey: SandboxKey;
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
  work.count.fault = leftOut.fault;
  if (leftOut.count === 0) return;
  const note = leftOut.toText();
  const times = { modifiedAtMs: Date.now(), isExecutable: false };
  yield { name: NOTE_NAME, kind: 'file', sizeBytes: note.length, body: bytesOf(note), ...times };
}

async function* safeEntriesOf(
  { sandboxKey, envd, signal, count, limit }: Work,
  selected: Selected,
  names: SafeNames,
  leftOut: LeftOut,
): AsyncGenerator<SafeEntry, void, undefined> {
  const source = {
    sandboxKey,
    envd,
    signal,
    onMissing: (line: string, isFault: boolean) => leftOut.add(line, { isFault }),
  };
  for await (const entry of readSelected(source, selected)) {
    const { kind, path, sizeBytes, modifiedAtMs, mode, body } = entry;
    if (Buffer.byteLength(path.join('/')) > MAX_NAME_BYTES) {
      leftOut.add(`…/${path.slice(-LONG_PATH_NAMES).join('/')}: the path is too long`, { isFault: true });
      continue;
    }
    const name = names.nameOf(path);
    if (name === null) continue;
    if (kind === 'link' || kind === 'other') {
      leftOut.add(
        kind === 'link' ? `${path.join('/')} -> ${entry.linkTarget}` : `${path.join('/')}: not a file`,
      );
      continue;
    }
    const entries = count.files + count.folders;
    names.bytes += Buffer.byteLength(name);
    if (entries >= limit.entries || count.bytes + sizeBytes > limit.bytes || names.bytes > MAX_NAMES_BYTES) {
      count.isCut = true;
      leftOut.add(`${path.join('/')} and everything after it: the size limit was reached`);
      return;
    }
    count.files += kind === 'file' ? 1 : 0;
    count.folders += kind === 'directory' ? 1 : 0;
    count.bytes += sizeBytes;
    yield { name, kind, sizeBytes, modifiedAtMs, isExecutable: (mode & 0o111) !== 0, body };
  }
}

function readableOf(chunks: AsyncIterable<Buffer>): Readable {
  return Readable.from(joinChunks(chunks), { objectMode: false, highWaterMark: PIECE_BYTES });
}

/** Joins small chunks, because each has a fixed cost. */
async function* joinChunks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
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
  // A failure of the source destroys gzip, whose reader sees it.
  pipeline(source, gzip, () => {});
  return gzip;
}

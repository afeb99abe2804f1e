import 'server-only';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { SandkeeperError } from '../../errors';
import { apiOf } from '../../sandbox-api/configured';
import type { Envd } from '../../sandbox-api/envd';
import { type FileContent, sandboxProblem } from '../../sandbox-api/envd-files';
import { isGenerated } from '../../sandbox-api/envd-generated';
import { FileError, fileProblemOf } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import { etagOf } from '../etag';
import { type Entry, type EntryKind, type FileProblem, type Listing, MAX_ENTRIES } from '../schema';
import { archivePrograms } from '../transfer/archive/programs';
import { draftKeeper } from '../transfer/drafts';
import { readRange } from '../transfer/range';

/**
 * Opens the files of a running sandbox. Neither wakes it nor extends its timeout.
 * @throws FileError `not_running`, `gone`, `unavailable`
 */
export async function openFiles(sandboxKey: SandboxKey): Promise<Envd> {
  try {
    const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
    draftKeeper().noteReachable(sandboxKey);
    archivePrograms().noteReachable(sandboxKey);
    return envd;
  } catch (thrown) {
    throw sandboxProblem(SandkeeperError.from(thrown));
  }
}

/** Throws FileError. */
export async function listFolder(
  sandboxKey: SandboxKey,
  path: string,
  signal: AbortSignal,
): Promise<Listing> {
  const entries = await (await openFiles(sandboxKey)).listDir(path, signal);
  return { path, entries: entries.slice(0, MAX_ENTRIES), isCut: entries.length > MAX_ENTRIES };
}

/** Gzipped JSON. Next.js does not compress route responses and drops a `Content-Encoding` header. */
export async function packListing(listing: Listing): Promise<Uint8Array<ArrayBuffer>> {
  const packed = await promisify(gzip)(JSON.stringify(listing), { level: constants.Z_BEST_SPEED });
  return new Uint8Array(packed);
}

/** Does not follow links. Throws FileError. */
export async function statEntry(sandboxKey: SandboxKey, path: string, signal: AbortSignal): Promise<Entry> {
  return (await openFiles(sandboxKey)).stat(path, signal);
}

/** A file to send. The `body` of the content must be read or destroyed. */
export type OpenedFile = {
  name: string;
  etag: string;
  content: FileContent;
  /** Its first `headBytes`. */
  head: Buffer;
};

type OpenOptions = {
  /** The headers `Range` and `If-Range`. */
  range?: string | undefined;
  ifRange?: string | undefined;
  headBytes?: number;
  signal: AbortSignal;
};

/** Opens a regular file, following links. Never opens anything else: a pipe would block. Throws FileError. */
export async function openFile(
  sandboxKey: SandboxKey,
  path: string,
  options: OpenOptions,
): Promise<OpenedFile> {
  const envd = await openFiles(sandboxKey);
  const entry = await statFile(envd, path, options.signal);
  if (isGenerated(entry.path, entry.sizeBytes)) return openGenerated(envd, path, entry, options);
  try {
    return await openStored(envd, path, entry, options);
  } catch (thrown) {
    // A folder of the kernel can be mounted anywhere.
    if (fileProblemOf(thrown) !== 'not_seekable') throw thrown;
    return openGenerated(envd, path, entry, options);
  }
}

async function openStored(envd: Envd, path: string, entry: Entry, options: OpenOptions): Promise<OpenedFile> {
  const etag = etagOf(entry);
  const isSame = options.ifRange === undefined || options.ifRange === etag;
  const range = readRange(isSame ? options.range : undefined, entry.sizeBytes);
  const head = await readHead(envd, path, entry, options);
  const name = nameOf(path);
  if (range === 'outside') {
    return { name, etag, head, content: { kind: 'outside', sizeBytes: entry.sizeBytes } };
  }
  const { signal } = options;
  const content = await envd.readFile(path, { range: range === 'whole' ? undefined : range, signal });
  return { name, etag, head, content };
}

/** Opens a file whose size is known only when it has been read. */
async function openGenerated(
  envd: Envd,
  path: string,
  entry: Entry,
  { range: requested, ifRange, headBytes = 0, signal }: OpenOptions,
): Promise<OpenedFile> {
  const bytes = await envd.readGenerated(entry.path, signal);
  const { length: sizeBytes } = bytes;
  const etag = etagOf({ ...entry, sizeBytes });
  const range = readRange(ifRange === undefined || ifRange === etag ? requested : undefined, sizeBytes);
  const opened = { name: nameOf(path), etag, head: bytes.subarray(0, headBytes) };
  if (range === 'outside') return { ...opened, content: { kind: 'outside', sizeBytes } };
  const granted = range === 'whole' ? null : range;
  const part = granted === null ? bytes : bytes.subarray(granted.start, granted.end + 1);
  return { ...opened, content: { kind: 'bytes', sizeBytes, range: granted, body: Readable.from([part]) } };
}

const PROBLEMS = {
  file: null,
  directory: 'is_directory',
  link: null,
  fifo: 'not_regular',
  socket: 'not_regular',
  device: 'not_regular',
  other: 'not_regular',
} satisfies Record<EntryKind, FileProblem | null>;

const LINK_PROBLEMS = {
  file: null,
  directory: 'is_directory',
  other: 'not_regular',
  nothing: 'vanished',
} satisfies Record<NonNullable<Entry['leadsTo']>, FileProblem | null>;

/** The regular file at `path`, following links. Throws FileError for other kinds. */
export async function statFile(envd: Envd, path: string, signal: AbortSignal): Promise<Entry> {
  const entry = await envd.stat(path, signal);
  const problem = entry.leadsTo === null ? PROBLEMS[entry.kind] : LINK_PROBLEMS[entry.leadsTo];
  if (problem !== null) throw new FileError(problem);
  // The size and time of a link are not those of its target.
  return entry.linkTarget === null ? entry : envd.stat(entry.linkTarget, signal);
}

async function readHead(
  envd: Envd,
  path: string,
  { sizeBytes }: Entry,
  options: OpenOptions,
): Promise<Buffer> {
  const end = Math.min(options.headBytes ?? 0, sizeBytes) - 1;
  if (end < 0) return Buffer.alloc(0);
  const content = await envd.readFile(path, { range: { start: 0, end }, signal: options.signal });
  if (content.kind === 'outside') return Buffer.alloc(0);
  const parts: Buffer[] = [];
  let held = 0;
  for await (const part of content.body) {
    parts.push(part);
    held += part.length;
    // Without range support, the whole file would follow.
    if (held > end) break;
  }
  return Buffer.concat(parts).subarray(0, end + 1);
}

function nameOf(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

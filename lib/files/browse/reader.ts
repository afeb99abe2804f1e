import 'server-only';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { SandkeeperError } from '../../errors';
import { type Envd, openEnvd } from '../../sandbox-api/envd';
import { FileError } from '../../sandbox-api/file-error';
import { type GuestContent, sandboxProblem } from '../../sandbox-api/guest-files';
import { type Entry, type EntryKind, type FileProblem, type Listing, MAX_ENTRIES } from '../schema';
import { readRange } from '../transfer/range';

/**
 * The way to the files of a running sandbox, which looking never wakes and never keeps longer.
 * @throws FileError `not_running`, `gone`, `unavailable`
 */
export async function openFiles(sandboxId: string): Promise<Envd> {
  try {
    return await openEnvd(sandboxId);
  } catch (thrown) {
    throw sandboxProblem(SandkeeperError.from(thrown));
  }
}

/** What a folder holds. Throws FileError. */
export async function listFolder(sandboxId: string, path: string, signal: AbortSignal): Promise<Listing> {
  const entries = await (await openFiles(sandboxId)).listDir(path, signal);
  return { path, entries: entries.slice(0, MAX_ENTRIES), isCut: entries.length > MAX_ENTRIES };
}

/** The same as gzipped JSON: Next.js never compresses what a route answers, and drops a `Content-Encoding`. */
export async function packListing(listing: Listing): Promise<Uint8Array<ArrayBuffer>> {
  const packed = await promisify(gzip)(JSON.stringify(listing), { level: constants.Z_BEST_SPEED });
  return new Uint8Array(packed);
}

/** One entry, a link as a link. Throws FileError. */
export async function statEntry(sandboxId: string, path: string, signal: AbortSignal): Promise<Entry> {
  return (await openFiles(sandboxId)).stat(path, signal);
}

/** A file that is about to be sent. `body` of the content must be read or destroyed. */
export type OpenedFile = {
  name: string;
  /** Another one once the file has changed. */
  etag: string;
  content: GuestContent;
  /** How it begins, where that was asked for. */
  head: Buffer;
};

type Wanted = {
  /** The headers `Range` and `If-Range`. */
  range?: string | undefined;
  ifRange?: string | undefined;
  /** How much of its beginning is wanted beside the content, bytes. */
  headBytes?: number;
  signal: AbortSignal;
};

/** Opens a regular file, or what a link leads to. Nothing else is ever opened: a pipe would block. Throws FileError. */
export async function openFile(sandboxId: string, path: string, wanted: Wanted): Promise<OpenedFile> {
  const envd = await openFiles(sandboxId);
  const entry = await statFile(envd, path, wanted.signal);
  const etag = etagOf(entry);
  const isSame = wanted.ifRange === undefined || wanted.ifRange === etag;
  const range = readRange(isSame ? wanted.range : undefined, entry.sizeBytes);
  const head = await readHead(envd, path, entry, wanted);
  const name = nameOf(path);
  if (range === 'outside') {
    return { name, etag, head, content: { kind: 'outside', sizeBytes: entry.sizeBytes } };
  }
  const { signal } = wanted;
  const content = await envd.readFile(path, { range: range === 'whole' ? undefined : range, signal });
  return { name, etag, head, content };
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

const PROBLEMS_OF_LINKS = {
  file: null,
  directory: 'is_directory',
  other: 'not_regular',
  nothing: 'vanished',
} satisfies Record<NonNullable<Entry['leadsTo']>, FileProblem | null>;

/** The regular file at `path`, or the one that a link there leads to. Throws FileError for anything else. */
export async function statFile(envd: Envd, path: string, signal: AbortSignal): Promise<Entry> {
  const entry = await envd.stat(path, signal);
  const problem = entry.leadsTo === null ? PROBLEMS[entry.kind] : PROBLEMS_OF_LINKS[entry.leadsTo];
  if (problem !== null) throw new FileError(problem);
  // Size and time of a link are its own.
  return entry.linkTarget === null ? entry : envd.stat(entry.linkTarget, signal);
}

async function readHead(envd: Envd, path: string, { sizeBytes }: Entry, wanted: Wanted): Promise<Buffer> {
  const end = Math.min(wanted.headBytes ?? 0, sizeBytes) - 1;
  if (end < 0) return Buffer.alloc(0);
  const content = await envd.readFile(path, { range: { start: 0, end }, signal: wanted.signal });
  if (content.kind === 'outside') return Buffer.alloc(0);
  const parts: Buffer[] = [];
  let held = 0;
  for await (const part of content.body) {
    parts.push(part);
    held += part.length;
    // Where ranges are not granted, the rest is not wanted.
    if (held > end) break;
  }
  return Buffer.concat(parts).subarray(0, end + 1);
}

function etagOf({ sizeBytes, modifiedAtMs }: Entry): string {
  return `"${sizeBytes.toString(36)}-${Math.round(modifiedAtMs).toString(36)}"`;
}

function nameOf(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

import 'server-only';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { SandkeeperError } from '../errors';
import type { Entry, FileProblem } from '../sandbox/guest-file';
import { type ConnectOptions, ConnectRefusal, callConnect, streamConnect } from './connect';
import { type EnvdCaller, inTime } from './envd-caller';
import { FileError } from './file-error';
import { entryOf, readWireEntry } from './guest-entry';
import { openDownload, openUpload, refusalOf } from './transfer';

/**
 * The files of a running sandbox, as its default user may have them (docs/protocol.md#envd-http and
 * docs/protocol.md#envd-filesystem). All throw FileError.
 */
export type GuestFiles = {
  /** What a folder holds. Entries that cannot be read are left out. */
  listDir(path: string, signal: AbortSignal): Promise<Entry[]>;
  stat(path: string, signal: AbortSignal): Promise<Entry>;
  /**
   * The bytes of a file, or of a range of it. Ask `stat` first: a pipe would never answer. `signal` ends the body too;
   * the body must be read or destroyed.
   */
  readFile(
    path: string,
    options: { range?: ByteRange | undefined; signal: AbortSignal },
  ): Promise<GuestContent>;
  /** Writes a file from its start, in place; missing folders are made. What was sent before a failure stays there. */
  writeFile(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Makes missing folders on the way, replaces what is there. */
  move(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** What is not there is no failure. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  /** `null` once the watch is active, then the name of each entry that changes. Ends only by failing. */
  watchDir(path: string, signal: AbortSignal): AsyncGenerator<string | null, void, undefined>;
};

/** Bytes of a file, both ends included; without an end all that follows. */
export type ByteRange = { start: number; end?: number };

/** `range`: what these bytes are of the whole, where a range was asked for and granted. `outside`: there is no such. */
export type GuestContent =
  | { kind: 'bytes'; sizeBytes: number; range: { start: number; end: number } | null; body: IncomingMessage }
  | { kind: 'outside'; sizeBytes: number };

const MAX_LISTING_BYTES = 64 * 1024 * 1024;
const LISTING_MS = 60_000;

/** What an answer means, by its code. */
type Problems = Readonly<Record<string, FileProblem>>;

const ENTRY_PROBLEMS: Problems = {
  not_found: 'vanished',
  // Something on the way is no folder, or the name is one that no file system takes.
  invalid_argument: 'vanished',
  failed_precondition: 'vanished',
  permission_denied: 'denied',
};

const FOLDER_PROBLEMS: Problems = {
  not_found: 'vanished',
  invalid_argument: 'not_directory',
  // Links in a circle.
  failed_precondition: 'not_directory',
  permission_denied: 'denied',
  resource_exhausted: 'too_large',
  out_of_range: 'too_large',
};

const MOVE_PROBLEMS: Problems = { ...ENTRY_PROBLEMS, resource_exhausted: 'no_space' };
const CONTENT_PROBLEMS: Problems = {
  http_400: 'is_directory',
  http_403: 'denied',
  http_404: 'vanished',
  http_507: 'no_space',
};

export function guestFiles(door: EnvdCaller): GuestFiles {
  const { endpoint } = door;
  const call = (method: string, message: object, options: ConnectOptions) =>
    callConnect(endpoint, `filesystem.Filesystem/${method}`, message, options);
  const attempt = async <T>(doing: string, problems: Problems, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw await fileErrorOf(door, thrown, doing, problems);
    }
  };

  return {
    listDir: (path, signal) =>
      attempt('listing a folder', FOLDER_PROBLEMS, async () => {
        const within = AbortSignal.any([signal, AbortSignal.timeout(LISTING_MS)]);
        const options = { signal: within, timeoutMs: LISTING_MS, mostBytes: MAX_LISTING_BYTES };
        const { entries } = WireEntries.parse(await call('ListDir', { path, depth: 1 }, options));
        return entries.flatMap((entry) => readWireEntry(entry, path) ?? []);
      }),

    stat: (path, signal) =>
      attempt('looking at a file', ENTRY_PROBLEMS, async () => {
        const { entry } = WireStat.parse(await call('Stat', { path }, inTime(signal)));
        return entryOf(entry, path);
      }),

    readFile: (path, { range, signal }) =>
      attempt('reading a file', CONTENT_PROBLEMS, async () => {
        const headers: Record<string, string> = range
          ? { range: `bytes=${range.start}-${range.end ?? ''}` }
          : {};
        const order = { method: 'GET', path: '/files', query: { path }, headers, signal } as const;
        return await contentOf(await openDownload(endpoint, order));
      }),

    writeFile: (path, body, signal) =>
      attempt('writing a file', CONTENT_PROBLEMS, async () => {
        const boundary = `sandkeeper-${randomBytes(24).toString('hex')}`;
        const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
        const order = { method: 'POST', path: '/files', query: { path }, headers, signal } as const;
        const answer = await openUpload(endpoint, order, formOf(body, boundary));
        if (answer.statusCode !== 200) throw await refusalOf(answer);
        answer.resume();
      }),

    move: (source, destination, signal) =>
      attempt('moving a file', MOVE_PROBLEMS, async () => {
        await call('Move', { source, destination }, inTime(signal));
      }),

    remove: (path, signal) =>
      attempt('removing a file', ENTRY_PROBLEMS, async () => {
        await call('Remove', { path }, inTime(signal));
      }),

    async *watchDir(path, signal) {
      try {
        const method = 'filesystem.Filesystem/WatchDir';
        for await (const message of streamConnect(endpoint, method, { path, recursive: false }, { signal })) {
          const { start, filesystem } = WireWatch.safeParse(message).data ?? {};
          if (start) yield null;
          if (filesystem) yield filesystem.name;
        }
      } catch (thrown) {
        throw await fileErrorOf(door, thrown, 'watching a folder', FOLDER_PROBLEMS);
      }
    },
  };
}

const WireEntries = z.object({ entries: z.array(z.unknown()).default([]) });
const WireStat = z.object({ entry: z.unknown() });
const WireWatch = z.object({
  start: z.object({}).optional(),
  filesystem: z.object({ name: z.string() }).optional(),
});

/** The only part, and so the last: `path` in the query says where it goes. */
async function* formOf(body: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Uint8Array> {
  const disposition = 'Content-Disposition: form-data; name="file"; filename="file"';
  yield Buffer.from(`--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`);
  yield* body;
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

async function contentOf(answer: IncomingMessage): Promise<GuestContent> {
  const { 'content-range': named = '', 'content-length': length } = answer.headers;
  if (answer.statusCode === 416) {
    answer.destroy();
    return { kind: 'outside', sizeBytes: Number(/^bytes \*\/(\d+)$/.exec(named)?.[1] ?? 0) };
  }
  const [, start, end, whole] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(named) ?? [];
  if (answer.statusCode === 206 && whole !== undefined) {
    const range = { start: Number(start), end: Number(end) };
    return { kind: 'bytes', sizeBytes: Number(whole), range, body: answer };
  }
  if (answer.statusCode !== 200) throw await refusalOf(answer);
  if (length === undefined) {
    answer.destroy();
    throw new ConnectRefusal('unknown', 'the answer does not say how long it is');
  }
  return { kind: 'bytes', sizeBytes: Number(length), range: null, body: answer };
}

/** What went wrong, told apart: the file, the sandbox, or the way there. */
async function fileErrorOf(
  door: EnvdCaller,
  thrown: unknown,
  doing: string,
  problems: Problems,
): Promise<SandkeeperError> {
  const problem = thrown instanceof ConnectRefusal ? (problemIn(thrown) ?? problems[thrown.code]) : undefined;
  if (problem) return new FileError(problem, { cause: thrown });
  return sandboxProblem(await door.explain(thrown, doing));
}

const WORDS: readonly (readonly [RegExp, FileProblem])[] = [
  [/permission denied|not permitted|read-only file system/i, 'denied'],
  [/not a directory/i, 'not_directory'],
  [/invalid argument|no such device/i, 'not_regular'],
];

/**
 * Whatever the reason, an open that fails gets one answer, and only the system's words tell which
 * (docs/protocol.md#envd-reading-a-file).
 */
function problemIn({ code, message }: ConnectRefusal): FileProblem | undefined {
  if (!['http_400', 'http_500', 'internal'].includes(code)) return undefined;
  return WORDS.find(([words]) => words.test(message))?.[1];
}

const SANDBOX_PROBLEMS: Readonly<Record<string, FileProblem>> = {
  not_found: 'gone',
  conflict: 'not_running',
  unavailable: 'unavailable',
  timeout: 'unavailable',
};

/** The same error with its problem, where it is one of the sandbox rather than of a file. */
export function sandboxProblem(error: SandkeeperError): SandkeeperError {
  const problem = SANDBOX_PROBLEMS[error.code];
  return problem === undefined || error.problem !== undefined
    ? error
    : new FileError(problem, { cause: error });
}

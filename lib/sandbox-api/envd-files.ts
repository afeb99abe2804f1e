import 'server-only';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import type { Entry, FileProblem } from '../sandbox/file';
import {
  type ConnectEndpoint,
  type ConnectOptions,
  ConnectRefusal,
  callConnect,
  streamConnect,
} from './connect';
import { callOptions, type EnvdClient } from './envd-client';
import { entryOf, readWireEntry } from './envd-entry';
import { readGenerated } from './envd-generated';
import { listByProcess } from './envd-listing';
import type { EnvdProcesses } from './envd-processes';
import { FileError } from './file-error';
import { discardRest, openDownload, openUpload, refusalOf } from './transfer';

/**
 * The files of a running sandbox, with the permissions of its default user (docs/protocol.md#envd-http and
 * docs/protocol.md#envd-filesystem). All methods throw FileError.
 */
export type EnvdFiles = {
  /** The entries of a folder. Skips malformed entries. */
  listDir(path: string, signal: AbortSignal): Promise<Entry[]>;
  stat(path: string, signal: AbortSignal): Promise<Entry>;
  /**
   * The bytes of a file or of a range of it. Call `stat` first, because reading a pipe blocks. `signal` aborts the body
   * too. The body must be read or destroyed.
   */
  readFile(
    path: string,
    options: { range?: ByteRange | undefined; signal: AbortSignal },
  ): Promise<FileContent>;
  /**
   * The whole content of a file that the kernel makes up as it is read. Such a file has no size, and some daemons cannot send
   * it. @throws FileError `too_large` if it is longer than 4 MB
   */
  readGenerated(path: string, signal: AbortSignal): Promise<Buffer>;
  /** Overwrites a file in place and creates missing folders. A failed write leaves a partial file. */
  writeFile(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Creates a folder and its missing parents. @throws also SandkeeperError `conflict` if it exists */
  makeDir(path: string, signal: AbortSignal): Promise<void>;
  /** Creates missing folders and replaces an existing file. */
  move(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** Removes a folder with everything in it. Removing a missing entry is not an error. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  /** Yields `null` when the watch is active, then the name of each changed entry. Ends only with an error. */
  watchDir(path: string, signal: AbortSignal): AsyncGenerator<string | null, void, undefined>;
};

/** A byte range with both ends included, or to the end of the file. */
export type ByteRange = { start: number; end?: number };

/** `range` is the range that was granted, or `null` for the whole file. `outside`: the requested range does not exist. */
export type FileContent =
  | { kind: 'bytes'; sizeBytes: number; range: { start: number; end: number } | null; body: Readable }
  | { kind: 'outside'; sizeBytes: number };

const MAX_LISTING_BYTES = 64 * 1024 * 1024;
const LISTING_PATIENCE = 4;
/** No file system has longer names. */
const MAX_NAME_CHARS = 4_096;

/** Problems by the error code of an answer. */
type Problems = Readonly<Record<string, FileProblem>>;

const ENTRY_PROBLEMS: Problems = {
  not_found: 'vanished',
  // A parent is not a folder, or the name is invalid.
  invalid_argument: 'vanished',
  failed_precondition: 'vanished',
  permission_denied: 'denied',
};

const FOLDER_PROBLEMS: Problems = {
  not_found: 'vanished',
  invalid_argument: 'not_directory',
  // Circular links.
  failed_precondition: 'not_directory',
  permission_denied: 'denied',
  resource_exhausted: 'too_large',
  out_of_range: 'too_large',
};

const MOVE_PROBLEMS: Problems = { ...ENTRY_PROBLEMS, resource_exhausted: 'no_space' };
const MAKE_PROBLEMS: Problems = { ...FOLDER_PROBLEMS, resource_exhausted: 'no_space' };
const CONTENT_PROBLEMS: Problems = {
  http_400: 'is_directory',
  http_403: 'denied',
  http_404: 'vanished',
  http_507: 'no_space',
};

export function envdFiles(client: EnvdClient, processes: EnvdProcesses): EnvdFiles {
  const { endpoint } = client;
  const call = (method: string, message: object, options: ConnectOptions) =>
    callConnect(endpoint, `filesystem.Filesystem/${method}`, message, options);
  const attempt = async <T>(doing: string, problems: Problems, work: () => Promise<T>): Promise<T> => {
    try {
      const answer = await work();
      client.observe('files', null);
      return answer;
    } catch (thrown) {
      throw await fileErrorOf(client, thrown, doing, problems);
    }
  };

  return {
    listDir: (path, signal) =>
      attempt('listing a folder', FOLDER_PROBLEMS, async () => {
        const options = { ...callOptions(endpoint, signal, LISTING_PATIENCE), maxBytes: MAX_LISTING_BYTES };
        try {
          const { entries } = WireEntries.parse(await call('ListDir', { path, depth: 1 }, options));
          return entries.flatMap((entry) => readWireEntry(entry, path) ?? []);
        } catch (thrown) {
          if (!mayHaveInvalidName(thrown)) throw thrown;
          const entries = await listByProcess(processes, path, signal).catch(() => null);
          if (entries === null) throw thrown;
          return entries;
        }
      }),

    stat: (path, signal) =>
      attempt('reading file details', ENTRY_PROBLEMS, async () => {
        const { entry } = WireStat.parse(await call('Stat', { path }, callOptions(endpoint, signal)));
        return entryOf(entry, path);
      }),

    readGenerated: (path, signal) =>
      attempt('reading a file', CONTENT_PROBLEMS, () => readGenerated(processes, path, signal)),

    readFile: (path, { range, signal }) =>
      attempt('reading a file', CONTENT_PROBLEMS, async () => {
        const headers: Record<string, string> = range
          ? { range: `bytes=${range.start}-${range.end ?? ''}` }
          : {};
        const request = { method: 'GET', path: '/files', query: { path }, headers, signal } as const;
        return await contentOf(endpoint, await openDownload(endpoint, request), range);
      }),

    writeFile: (path, body, signal) =>
      attempt('writing a file', CONTENT_PROBLEMS, async () => {
        const boundary = `sandkeeper-${randomBytes(24).toString('hex')}`;
        const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
        const request = { method: 'POST', path: '/files', query: { path }, headers, signal } as const;
        const response = await openUpload(endpoint, request, formOf(body, boundary));
        if (response.statusCode !== 200) throw await refusalOf(response, endpoint);
        discardRest(response, endpoint);
      }),

    makeDir: (path, signal) =>
      attempt('creating a folder', MAKE_PROBLEMS, async () => {
        try {
          await call('MakeDir', { path }, callOptions(endpoint, signal));
        } catch (thrown) {
          if (!(thrown instanceof ConnectRefusal) || thrown.code !== 'already_exists') throw thrown;
          throw new SandkeeperError('conflict', 'Something of this name already exists.', { cause: thrown });
        }
      }),

    move: (source, destination, signal) =>
      attempt('moving a file', MOVE_PROBLEMS, async () => {
        await call('Move', { source, destination }, callOptions(endpoint, signal));
      }),

    remove: (path, signal) =>
      attempt('removing a file', ENTRY_PROBLEMS, async () => {
        await call('Remove', { path }, callOptions(endpoint, signal));
      }),

    async *watchDir(path, signal) {
      try {
        const method = 'filesystem.Filesystem/WatchDir';
        for await (const message of streamConnect(endpoint, method, { path, recursive: false }, { signal })) {
          const { start, filesystem } = WireWatch.safeParse(message).data ?? {};
          if (start) yield null;
          if (filesystem) yield filesystem.name.slice(0, MAX_NAME_CHARS);
        }
      } catch (thrown) {
        throw await fileErrorOf(client, thrown, 'watching a folder', FOLDER_PROBLEMS);
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

/** A multipart form with a single part. The `path` in the query names the target file. */
async function* formOf(body: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Uint8Array> {
  const disposition = 'Content-Disposition: form-data; name="file"; filename="file"';
  yield Buffer.from(`--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`);
  yield* body;
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

async function contentOf(
  endpoint: ConnectEndpoint,
  response: Dispatcher.ResponseData,
  asked: ByteRange | undefined,
): Promise<FileContent> {
  const { 'content-range': rangeHeader, 'content-length': length } = response.headers;
  const contentRange = String(rangeHeader ?? '');
  if (response.statusCode === 416) {
    response.body.destroy();
    const sizeBytes = Number(/^bytes \*\/(\d+)$/.exec(contentRange)?.[1] ?? 0);
    return { kind: 'outside', sizeBytes: Number.isSafeInteger(sizeBytes) ? sizeBytes : 0 };
  }
  const [, start, end, whole] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange) ?? [];
  if (response.statusCode === 206 && whole !== undefined) {
    const range = { start: Number(start), end: Number(end) };
    const isAsked = range.start === asked?.start && range.end <= (asked.end ?? Number.MAX_SAFE_INTEGER);
    const isRange =
      range.start <= range.end && range.end < Number(whole) && Number.isSafeInteger(Number(whole));
    if (!isAsked || !isRange) {
      response.body.destroy();
      throw new ConnectRefusal('unknown', 'the response has another range than the request');
    }
    return { kind: 'bytes', sizeBytes: Number(whole), range, body: response.body };
  }
  if (response.statusCode !== 200) throw await refusalOf(response, endpoint);
  if (length === undefined || !Number.isSafeInteger(Number(length))) {
    response.body.destroy();
    throw new ConnectRefusal('unknown', 'the response has no usable content-length');
  }
  return { kind: 'bytes', sizeBytes: Number(length), range: null, body: response.body };
}

/** Tells problems of the file from problems of the sandbox. */
async function fileErrorOf(
  client: EnvdClient,
  thrown: unknown,
  doing: string,
  problems: Problems,
): Promise<SandkeeperError> {
  if (thrown instanceof ConnectRefusal && TOO_LONG.test(thrown.message))
    return new FileError('too_large', { cause: thrown, message: 'The path is too long.' });
  if (thrown instanceof SandkeeperError) return thrown;
  const problem =
    thrown instanceof ConnectRefusal
      ? (problemIn(thrown, problems) ?? problemOf(problems, thrown.code))
      : undefined;
  if (problem) return new FileError(problem, { cause: thrown });
  client.observe('files', thrown);
  return sandboxProblem(await client.explain(thrown, doing));
}

/** Deeply nested folders have paths that no call can name. */
const TOO_LONG = /name too long|ENAMETOOLONG/i;

/** The code may be text of the sandbox. */
function problemOf(problems: Problems, code: string): FileProblem | undefined {
  return Object.hasOwn(problems, code) ? problems[code] : undefined;
}

const PATTERNS: readonly (readonly [RegExp, FileProblem])[] = [
  [/permission denied|not permitted|read-only file system/i, 'denied'],
  [/can't seek|cannot seek|illegal seek/i, 'not_seekable'],
  [/invalid argument|no such device/i, 'not_regular'],
];
/** The path, or one of its parents, is not a folder. */
const NO_FOLDER = /not a directory|too many (levels of )?symbolic links/i;

/** A folder in which one name is not UTF-8 cannot be sent at all, and the daemon answers with its own failure. */
function mayHaveInvalidName(thrown: unknown): boolean {
  if (!(thrown instanceof ConnectRefusal) || problemIn(thrown, FOLDER_PROBLEMS) !== undefined) {
    return false;
  }
  return ['internal', 'unknown', 'http_500'].includes(thrown.code) && !TOO_LONG.test(thrown.message);
}

/** envd answers every failed open with the same code. Only its text tells why (docs/protocol.md#envd-reading-a-file). */
function problemIn({ code, message }: ConnectRefusal, problems: Problems): FileProblem | undefined {
  if (!['http_400', 'http_500', 'internal'].includes(code)) return undefined;
  if (NO_FOLDER.test(message)) return problems.invalid_argument ?? 'not_directory';
  return PATTERNS.find(([pattern]) => pattern.test(message))?.[1];
}

const SANDBOX_PROBLEMS: Readonly<Record<string, FileProblem>> = {
  not_found: 'gone',
  conflict: 'not_running',
  unavailable: 'unavailable',
  timeout: 'unavailable',
};

/** Converts an error about the sandbox to a FileError with that problem. Returns other errors unchanged. */
export function sandboxProblem(error: SandkeeperError): SandkeeperError {
  const problem = SANDBOX_PROBLEMS[error.code];
  return problem === undefined || error.problem !== undefined
    ? error
    : new FileError(problem, { cause: error });
}

import { posix } from 'node:path';
import { makeDirectory, moveEntry } from '../safe-fs/directories';
import { listEntries, readEntry } from '../safe-fs/entries';
import { removeEntry } from '../safe-fs/remove';
import { LiveMountError, SafeFsError } from '../safe-fs/safe-fs-error';
import { type ConnectCode, ConnectError } from './connect-error';
import { toEntryInfo, toLiveEntryInfo } from './entry-info';
import type { FileMetadata } from './file-metadata';
import { PathError, resolvePath } from './identity';
import type { LiveFiles } from './live-files';
import { flag, message, text, uint32 } from './messages';
import { withoutDefaults } from './proto-defaults';
import { type CallContext, type MessageStream, type Service, serverStream, unary } from './rpc';
import type { Watchers } from './watchers';

const PathRequest = message({ path: text });
const MoveRequest = message({ source: text, destination: text });
const ListDirRequest = message({ path: text, depth: uint32 });
/** No directory of a sandbox lies on a network mount, so `allowNetworkMounts` changes nothing. */
const WatchRequest = message({ path: text, recursive: flag, includeEntry: flag, allowNetworkMounts: flag });
const WatcherRequest = message({ watcherId: text });

/** Any other failure is `internal`, as in envd: an impossible name, a file as a parent, a loop of links. */
const CODES: Readonly<Record<string, ConnectCode>> = {
  ENOENT: 'not_found',
  EBUSY: 'invalid_argument',
  EMFILE: 'resource_exhausted',
  E2BIG: 'resource_exhausted',
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
};

/** Of a path that has to be a directory. */
const DIRECTORY_CODES: Readonly<Record<string, ConnectCode>> = {
  ...CODES,
  ENOTDIR: 'invalid_argument',
  ELOOP: 'failed_precondition',
};

export type FilesystemParts = {
  readonly watchers: Watchers;
  metadataOf(guest: CallContext['guest'], root: CallContext['root']): FileMetadata;
  /** Reads what only a process inside can see; null if none can run. */
  readonly live: LiveFiles | null;
};

type Context = Pick<CallContext, 'guest' | 'user' | 'root'>;
type WatchEvent =
  | { readonly start: object }
  | { readonly filesystem: object }
  | { readonly keepalive: object };

/** The service `filesystem.Filesystem` (docs/protocol.md#envd-filesystem-service). */
export function createFilesystemService(parts: FilesystemParts): Service {
  const { watchers } = parts;
  return {
    Stat: unary(PathRequest, ({ path }, context) => withCodes(() => stat(parts, path, context))),
    MakeDir: unary(PathRequest, ({ path }, context) => withCodes(() => makeDir(path, context))),
    Move: unary(MoveRequest, ({ source, destination }, context) =>
      withCodes(() => move(parts, source, destination, context)),
    ),
    ListDir: unary(ListDirRequest, ({ path, depth }, context) =>
      withCodes(() => listDir(parts, path, depth, context), DIRECTORY_CODES),
    ),
    Remove: unary(PathRequest, ({ path }, context) => withCodes(() => remove(path, context))),
    WatchDir: serverStream<typeof WatchRequest, WatchEvent>(
      WatchRequest,
      (request, context, stream) =>
        withCodes(() => watchDir(watchers, request, context, stream), DIRECTORY_CODES),
      { keepalive: { keepalive: {} } },
    ),
    CreateWatcher: unary(WatchRequest, ({ path, ...options }, { guest, root, user }) =>
      withCodes(async () => {
        const { id } = await watchers.open(guest.id, root, resolvePath(path, user), options);
        return { watcherId: id };
      }, DIRECTORY_CODES),
    ),
    GetWatcherEvents: unary(WatcherRequest, async ({ watcherId }, { guest }) => {
      const watch = watchers.get(guest.id, watcherId);
      await watch.flush();
      return withoutDefaults({ events: watch.events.drain() });
    }),
    RemoveWatcher: unary(WatcherRequest, async ({ watcherId }, { guest }) => {
      watchers.get(guest.id, watcherId).close();
      return {};
    }),
  };
}

async function stat(parts: FilesystemParts, path: string, context: Context): Promise<object> {
  const { root, user, guest } = context;
  try {
    const entry = await readEntry(root, resolvePath(path, user));
    return { entry: toEntryInfo(entry, root, await parts.metadataOf(guest, root).reader()) };
  } catch (error) {
    if (!(error instanceof LiveMountError) || !parts.live) throw error;
    const entry = await parts.live.stat({ ...context, path: error.livePath });
    return { entry: toLiveEntryInfo({ ...entry, path: resolvePath(path, user) }, root) };
  }
}

async function listDir(
  parts: FilesystemParts,
  path: string,
  depth: number,
  context: Context,
): Promise<object> {
  const { root, user, guest } = context;
  const resolved = resolvePath(path, user);
  const levels = Math.max(1, depth);
  try {
    const metadataOf = await parts.metadataOf(guest, root).reader();
    const entries = await listEntries(root, resolved, levels);
    return withoutDefaults({ entries: entries.map((entry) => toEntryInfo(entry, root, metadataOf)) });
  } catch (error) {
    if (!(error instanceof LiveMountError) || !parts.live) throw error;
    const { livePath } = error;
    const entries = await parts.live.list({ ...context, path: livePath }, levels);
    const shown = entries.map((entry) => ({
      ...entry,
      path: posix.join(resolved, posix.relative(livePath, entry.path)),
    }));
    return withoutDefaults({ entries: shown.map((entry) => toLiveEntryInfo(entry, root)) });
  }
}

async function makeDir(path: string, { root, user }: Context): Promise<object> {
  const resolved = resolvePath(path, user);
  const isNew = await makeDirectory(root, resolved).catch((error: unknown) => {
    if (!(error instanceof SafeFsError) || error.code !== 'EEXIST') throw error;
    throw new ConnectError('invalid_argument', `path already exists but it is not a directory: ${resolved}`);
  });
  if (!isNew) throw new ConnectError('already_exists', `directory already exists: ${resolved}`);
  return { entry: toEntryInfo(await readEntry(root, resolved), root) };
}

async function move(
  parts: FilesystemParts,
  source: string,
  destination: string,
  { guest, root, user }: Context,
): Promise<object> {
  const to = resolvePath(destination, user);
  await moveEntry(root, resolvePath(source, user), to).catch((error: unknown) => {
    if (!(error instanceof SafeFsError) || error.code === 'ENOENT') throw error;
    throw new ConnectError('internal', `error renaming: ${error.message}`);
  });
  const metadataOf = await parts.metadataOf(guest, root).reader();
  return { entry: toEntryInfo(await readEntry(root, to), root, metadataOf) };
}

async function remove(path: string, { root, user }: Context): Promise<object> {
  await removeEntry(root, resolvePath(path, user));
  return {};
}

/** Sends `start` once the watch is active, then every event until the call ends. */
async function watchDir(
  watchers: Watchers,
  { path: requested, ...options }: { path: string; recursive: boolean; includeEntry: boolean },
  { guest, root, user, signal }: CallContext,
  stream: MessageStream<WatchEvent>,
): Promise<void> {
  const path = resolvePath(requested, user);
  const { watch } = await watchers.open(guest.id, root, path, options);
  try {
    await stream.send({ start: {} });
    while (!signal.aborted) {
      for (const event of watch.events.drain()) await stream.send({ filesystem: event });
      await watch.events.wait(signal);
    }
  } finally {
    watch.close();
  }
}

/** Maps the file errors of a handler to Connect codes. */
async function withCodes<Result>(work: () => Promise<Result>, codes = CODES): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PathError) throw new ConnectError('invalid_argument', error.message);
    if (!(error instanceof SafeFsError)) throw error;
    throw new ConnectError(codes[error.code] ?? 'internal', error.message, { cause: error });
  }
}

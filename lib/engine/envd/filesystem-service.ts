import { makeDirectory, moveEntry } from '../safe-fs/directories';
import { listEntries, readEntry } from '../safe-fs/entries';
import { removeEntry } from '../safe-fs/remove';
import { SafeFsError } from '../safe-fs/safe-fs-error';
import { type ConnectCode, ConnectError } from './connect-error';
import { toEntryInfo } from './entry-info';
import { PathError, resolvePath } from './identity';
import { flag, message, text, uint32 } from './messages';
import { type CallContext, type MessageStream, type Service, serverStream, unary } from './rpc';
import type { Watchers } from './watchers';

const PathRequest = message({ path: text });
const MoveRequest = message({ source: text, destination: text });
const ListDirRequest = message({ path: text, depth: uint32 });
const WatchRequest = message({ path: text, recursive: flag });
const WatcherRequest = message({ watcherId: text });

const CODES: Readonly<Record<string, ConnectCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'invalid_argument',
  EINVAL: 'invalid_argument',
  ENAMETOOLONG: 'invalid_argument',
  EBUSY: 'invalid_argument',
  ELOOP: 'failed_precondition',
  EMFILE: 'resource_exhausted',
  E2BIG: 'resource_exhausted',
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
};

type Context = Pick<CallContext, 'guest' | 'user' | 'root'>;
type WatchEvent =
  | { readonly start: object }
  | { readonly filesystem: object }
  | { readonly keepalive: object };

/** The service `filesystem.Filesystem` (docs/protocol.md#envd-filesystem-service). */
export function createFilesystemService(watchers: Watchers): Service {
  return {
    Stat: unary(PathRequest, ({ path }, context) => withCodes(() => stat(path, context))),
    MakeDir: unary(PathRequest, ({ path }, context) => withCodes(() => makeDir(path, context))),
    Move: unary(MoveRequest, ({ source, destination }, context) =>
      withCodes(() => move(source, destination, context)),
    ),
    ListDir: unary(ListDirRequest, ({ path, depth }, context) =>
      withCodes(() => listDir(path, depth, context)),
    ),
    Remove: unary(PathRequest, ({ path }, context) => withCodes(() => remove(path, context))),
    WatchDir: serverStream<typeof WatchRequest, WatchEvent>(
      WatchRequest,
      (request, context, stream) => withCodes(() => watchDir(watchers, request, context, stream)),
      { keepalive: { keepalive: {} } },
    ),
    CreateWatcher: unary(WatchRequest, ({ path, recursive }, { guest, root, user }) =>
      withCodes(async () => {
        const { id } = await watchers.open(guest.id, root, resolvePath(path, user), recursive);
        return { watcherId: id };
      }),
    ),
    GetWatcherEvents: unary(WatcherRequest, async ({ watcherId }, { guest }) => ({
      events: watchers.get(guest.id, watcherId).events.drain(),
    })),
    RemoveWatcher: unary(WatcherRequest, async ({ watcherId }, { guest }) => {
      watchers.get(guest.id, watcherId).close();
      return {};
    }),
  };
}

async function stat(path: string, { root, user }: Context): Promise<object> {
  return { entry: toEntryInfo(await readEntry(root, resolvePath(path, user)), root) };
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

async function move(source: string, destination: string, { root, user }: Context): Promise<object> {
  const to = resolvePath(destination, user);
  await moveEntry(root, resolvePath(source, user), to).catch((error: unknown) => {
    const isKnown = error instanceof SafeFsError && (error.code === 'ENOENT' || isBadPath(error));
    if (isKnown || !(error instanceof SafeFsError)) throw error;
    throw new ConnectError('internal', `error renaming: ${error.message}`);
  });
  return { entry: toEntryInfo(await readEntry(root, to), root) };
}

async function listDir(path: string, depth: number, { root, user }: Context): Promise<object> {
  const entries = await listEntries(root, resolvePath(path, user), Math.max(1, depth));
  return { entries: entries.map((entry) => toEntryInfo(entry, root)) };
}

async function remove(path: string, { root, user }: Context): Promise<object> {
  await removeEntry(root, resolvePath(path, user));
  return {};
}

/** Sends `start` once the watch is active, then every event until the call ends. */
async function watchDir(
  watchers: Watchers,
  request: { path: string; recursive: boolean },
  { guest, root, user, signal }: CallContext,
  stream: MessageStream<WatchEvent>,
): Promise<void> {
  const path = resolvePath(request.path, user);
  const { watch } = await watchers.open(guest.id, root, path, request.recursive);
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
async function withCodes<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PathError) throw new ConnectError('invalid_argument', error.message);
    if (!(error instanceof SafeFsError)) throw error;
    throw new ConnectError(CODES[error.code] ?? 'internal', error.message, { cause: error });
  }
}

/** An impossible path is an error of the caller, whatever the operation. */
function isBadPath({ code, path }: SafeFsError): boolean {
  return code === 'ENAMETOOLONG' || (code === 'EINVAL' && path.includes('\u{FFFD}'));
}

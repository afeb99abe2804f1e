import 'server-only';
import type { Session } from './access/sessions';
import { liveCommands } from './commands/live';
import type { CommandEvent } from './commands/schema';
import { connections } from './connections/registry';
import { consoleSessions } from './console/sessions';
import { folderWatches } from './files/browse/folder-watch';
import { archiveProgress } from './files/transfer/archive/progress';
import { connectionsFor } from './fleet/all-fleets';
import { fleetWatcher } from './fleet/watchers';
import { ANYWHERE, mayIn, type Scope } from './grants';
import { type ChannelGuard, hub, type LiveSession } from './live/hub';
import { operationFor, seesOperation } from './operations/record/operation-for';
import { operationRunner } from './operations/work/runner';
import { processAttachments } from './processes/attachments';
import type { AttachmentEvent } from './processes/schema';
import { type ConnectionName, connectionOf, type SandboxKey } from './sandbox-key';
import { wakeKeeper } from './wake/wake-keeper';

/** The session of a socket. */
export function liveSessionOf({ id, userId, actor, grants }: Session): LiveSession {
  return { sessionId: id, userId, actor, grants };
}

/** The connection of the first sandbox key in a key, unchecked: a name that nobody may see if there is none. */
function inKey(key: string): ConnectionName {
  return connectionOf(key as SandboxKey);
}

const anywhere = (): Scope => ANYWHERE;
const viewersOf = (where: ChannelGuard['where']): ChannelGuard => ({ role: 'viewer', where });
const operatorsOf = (where: ChannelGuard['where'], refusal: unknown): ChannelGuard => ({
  role: 'operator',
  where,
  refusal,
});

/** The key of `run` and `held` is `OPERATION KEY`. */
const ofCommand = (key: string) => inKey(key.slice(key.indexOf(' ') + 1));

const NO_COMMAND_OUTPUT = {
  kind: 'refused',
  message: 'Only operators can see the output of a command.',
} satisfies CommandEvent;
const NO_PROCESS_OUTPUT = {
  kind: 'refused',
  message: 'Only operators can see the output of a process.',
} satisfies AttachmentEvent;

/** Connects the channels of the live socket to their sources, each with the role and the connection that it requires. */
export function provideChannels(): void {
  hub().provide('connections', viewersOf(anywhere), (send, { session }) => {
    const publish = () => send(connectionsFor(session.grants));
    publish();
    return connections().listen({ onList: publish });
  });
  // An unknown connection has no events. The list of connections says that it is gone.
  hub().provide(
    'fleet',
    viewersOf((key) => key),
    (send, { key }) => (connections().enabled().includes(key) ? fleetWatcher(key).listen(send) : () => {}),
  );
  hub().provide('operations', viewersOf(anywhere), (send, { session }) =>
    operationRunner().listen(({ operation, ...event }) => {
      const { grants } = session;
      if (seesOperation(grants, operation)) send({ ...event, operation: operationFor(grants, operation) });
    }),
  );
  hub().provide('folder', viewersOf(inKey), (send, { key }) => folderWatches().listen(key, send));
  // The key is a secret of the person who requested the archive, and serves nobody else.
  hub().provide('archive', viewersOf(anywhere), (send, { key, session }) =>
    archiveProgress().listen(session.userId, key, send),
  );
  hub().provide('run', operatorsOf(ofCommand, NO_COMMAND_OUTPUT), (send, { key }) =>
    liveCommands().subscribe(key, send),
  );
  hub().provide('held', operatorsOf(ofCommand, NO_COMMAND_OUTPUT), (send, { key }) =>
    liveCommands().subscribeToHeld(key, send),
  );
  hub().provide('process', operatorsOf(inKey, NO_PROCESS_OUTPUT), (send, { key, session }) =>
    processAttachments().subscribe(key, session, send),
  );
  hub().provide('wake', viewersOf(inKey), (send, { key, session }) => {
    const { sessionId, userId, actor, grants } = session;
    // Only people who may read its files keep a sandbox awake.
    const counts = mayIn(grants, 'operator', inKey(key));
    return wakeKeeper().subscribe(key, { sessionId, userId, actor, counts }, send);
  });
  hub().provide(
    'consoles',
    operatorsOf(inKey, { kind: 'forbidden', needs: 'operator' }),
    (send, subscriber) => consoleSessions().subscribeToList(send, subscriber),
  );
  hub().provide(
    'console',
    operatorsOf((id) => consoleSessions().connectionsOf(id), { kind: 'forbidden' }),
    (send, subscriber) => consoleSessions().subscribe(send, subscriber),
  );
}

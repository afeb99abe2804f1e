import 'server-only';
import { SandkeeperError } from '../../errors';
import { watcherOf } from '../../fleet/watchers';
import type { Grants } from '../../grants';
import type { Sandbox } from '../../sandbox/schema';
import { apiOf } from '../../sandbox-api/configured';
import type { SandboxApi } from '../../sandbox-api/sandbox-api';
import { idOf, type SandboxKey } from '../../sandbox-key';
import type { ItemArchive } from '../schema';
import { findLastArchive } from './archives';
import { seesOperation } from './operation-for';
import { connectionsOf, findOurKill } from './store';

/** How a sandbox ended, as far as it is known. */
export type Ending = {
  endedAtMs: number | null;
  /** A sentence, such as "It was killed here by ana." */
  how: string;
  /** Its last known state. */
  last: Sandbox | null;
  /** The operation that killed it, if it was killed here. */
  operationId: string | null;
  saved: ItemArchive | null;
};

/** The service's history is paged by time and cannot be filtered by id, so only its latest pages are searched. */
const MAX_PAGES = 5;

/** By the service's reason, which is its own text. */
const END_REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    killed: 'It was killed.',
    timeout: 'Its time ran out.',
    shutdown: 'It shut down.',
    error: 'It ended with an error.',
    // Reasons in events.
    request: 'It was killed.',
    admin: 'The service killed it.',
    orphaned: 'The service lost it.',
  }),
);

/**
 * How `sandboxKey` ended, for a person who sees its connection. `null`: unknown id. See docs/protocol.md#sandbox-runs and
 * docs/protocol.md#e2b-events.
 */
export async function findEnding(sandboxKey: SandboxKey, grants: Grants): Promise<Ending | null> {
  const ending = await findCause(sandboxKey, grants);
  return ending && { ...ending, saved: await findLastArchive(sandboxKey) };
}

async function findCause(sandboxKey: SandboxKey, grants: Grants): Promise<Omit<Ending, 'saved'> | null> {
  const ours = await findOurKill(sandboxKey);
  if (ours) {
    const { atMs, actor, sandbox, operationId: id } = ours;
    const operationId = seesOperation(grants, { connections: await connectionsOf(id) }) ? id : null;
    return { endedAtMs: atMs, how: `It was killed here by ${actor}.`, last: sandbox, operationId };
  }
  const { capabilities } = apiOf(sandboxKey);
  // Events are read by id, and name ends that runs leave out (docs/protocol.md#sandbox-runs).
  const ending =
    (capabilities.can('events') ? await findInEvents(sandboxKey) : null) ??
    (capabilities.can('runs') ? await findInRuns(sandboxKey) : null);
  if (ending !== null) return ending;
  const seen = watcherOf(sandboxKey).findGone(sandboxKey);
  if (!seen) return null;
  const how = 'It was terminated. The service does not say how.';
  return { endedAtMs: seen.atMs, how, last: seen.sandbox, operationId: null };
}

type Told = Omit<Ending, 'saved'>;

/** `endedAtMs` is on the clock of the service; an ending is on ours, like those that were recorded here. */
function told(key: SandboxKey, reason: string | null, endedAtMs: number | null): Told {
  const atMs = endedAtMs === null ? null : endedAtMs - apiOf(key).clock.aheadMs;
  const how = END_REASONS.get(reason ?? '') ?? 'It was terminated.';
  return { endedAtMs: atMs, how, last: null, operationId: null };
}

async function findInRuns(sandboxKey: SandboxKey): Promise<Told | null> {
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const read: RunsPage | null = await readOrWarn(() => apiOf(sandboxKey).listSandboxRuns(cursor));
    const run = read?.runs.find((candidate) => candidate.sandboxId === idOf(sandboxKey));
    if (run) return told(sandboxKey, run.endReason, run.endedAtMs);
    cursor = read?.nextCursor ?? null;
    if (cursor === null) break;
  }
  return null;
}

async function findInEvents(sandboxKey: SandboxKey): Promise<Told | null> {
  const events = await readOrWarn(() => apiOf(sandboxKey).readEvents(sandboxKey));
  const killed = events?.find(({ kind }) => kind === 'killed');
  return killed ? told(sandboxKey, killed.killReason, killed.atMs) : null;
}

type RunsPage = Awaited<ReturnType<SandboxApi['listSandboxRuns']>>;

/** If the history cannot be read, the sandbox is still reported as gone. */
async function readOrWarn<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    if (error.code !== 'not_found' && error.code !== 'not_offered')
      console.warn(`The sandbox history cannot be read: ${error.message}`);
    return null;
  }
}

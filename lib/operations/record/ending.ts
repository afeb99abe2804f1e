import 'server-only';
import { SandkeeperError } from '../../errors';
import { fleetWatcher } from '../../fleet/watcher';
import type { Sandbox } from '../../sandbox/schema';
import { listSandboxRuns } from '../../sandbox-api/control';
import type { ItemArchive } from '../schema';
import { findLastArchive } from './archives';
import { findOurKill } from './store';

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
  }),
);

/** How `sandboxId` ended. `null`: unknown id. See docs/protocol.md#sandbox-runs. */
export async function findEnding(sandboxId: string): Promise<Ending | null> {
  const ending = await findCause(sandboxId);
  return ending && { ...ending, saved: await findLastArchive(sandboxId) };
}

async function findCause(sandboxId: string): Promise<Omit<Ending, 'saved'> | null> {
  const ours = await findOurKill(sandboxId);
  if (ours) {
    const { atMs, actor, sandbox, operationId } = ours;
    return { endedAtMs: atMs, how: `It was killed here by ${actor}.`, last: sandbox, operationId };
  }
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { runs, nextCursor } = await readRuns(cursor);
    const run = runs.find((candidate) => candidate.sandboxId === sandboxId);
    if (run) {
      return {
        endedAtMs: run.endedAtMs,
        how: END_REASONS.get(run.endReason ?? '') ?? 'It was terminated.',
        last: null,
        operationId: null,
      };
    }
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  const seen = fleetWatcher().findGone(sandboxId);
  if (!seen) return null;
  const how = 'It was terminated. The service does not say how.';
  return { endedAtMs: seen.atMs, how, last: seen.sandbox, operationId: null };
}

type RunsPage = Awaited<ReturnType<typeof listSandboxRuns>>;

/** Only Moru has this history. If it cannot be read, the sandbox is still reported as gone. */
async function readRuns(cursor: string | null): Promise<RunsPage> {
  try {
    return await listSandboxRuns(cursor);
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    if (error.code !== 'not_found') console.warn(`The sandbox history cannot be read: ${error.message}`);
    return { runs: [], nextCursor: null };
  }
}

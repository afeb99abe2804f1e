import 'server-only';
import { SandkeeperError } from '../../errors';
import { fleetWatcher } from '../../fleet/watcher';
import type { Sandbox } from '../../sandbox/schema';
import { listSandboxRuns } from '../../sandbox-api/control';
import type { ItemArchive } from '../schema';
import { findLastArchive } from './archives';
import { findOurKill } from './store';

/** How a sandbox that is no longer there ended, as far as anybody knows. */
export type Ending = {
  endedAtMs: number | null;
  /** In words: "killed by ana", "its time ran out". */
  how: string;
  /** As it was when it was killed here. */
  last: Sandbox | null;
  /** The operation that killed it, where it was one of ours. */
  operationId: string | null;
  /** Where its files were saved last, if they ever were. */
  saved: ItemArchive | null;
};

/** History is paged by time and cannot be asked for one id; older endings than these pages are not looked for. */
const MAX_PAGES = 5;

const END_REASONS: Readonly<Record<string, string>> = {
  killed: 'It was killed.',
  timeout: 'Its time ran out.',
  shutdown: 'It shut down.',
  error: 'It ended with an error.',
};

/** What is known of the end of `sandboxId`; `null` when nobody has heard of it. See docs/protocol.md#sandbox-runs. */
export async function findEnding(sandboxId: string): Promise<Ending | null> {
  const ending = await findHow(sandboxId);
  return ending && { ...ending, saved: await findLastArchive(sandboxId) };
}

async function findHow(sandboxId: string): Promise<Omit<Ending, 'saved'> | null> {
  const ours = await findOurKill(sandboxId);
  if (ours) {
    const { atMs, actor, sandbox, operationId } = ours;
    return { endedAtMs: atMs, how: `It was killed here by ${actor}.`, last: sandbox, operationId };
  }
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { runs, nextCursor } = await readCommands(cursor);
    const run = runs.find((candidate) => candidate.sandboxId === sandboxId);
    if (run) {
      return {
        endedAtMs: run.endedAtMs,
        how: END_REASONS[run.endReason ?? ''] ?? 'It was terminated.',
        last: null,
        operationId: null,
      };
    }
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  const seen = fleetWatcher().findDeparted(sandboxId);
  if (!seen) return null;
  const how = 'It was terminated; the service does not say how.';
  return { endedAtMs: seen.atMs, how, last: seen.sandbox, operationId: null };
}

type RunsPage = Awaited<ReturnType<typeof listSandboxRuns>>;

/** Services other than Moru keep no such history. Where it cannot be read, that must not hide that the sandbox is gone. */
async function readCommands(cursor: string | null): Promise<RunsPage> {
  try {
    return await listSandboxRuns(cursor);
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    if (error.code !== 'not_found') console.warn(`The history cannot be read: ${error.message}`);
    return { runs: [], nextCursor: null };
  }
}

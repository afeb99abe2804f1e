import 'server-only';
import { SandkeeperError } from '../../errors';
import { fleetWatcher } from '../../fleet/watcher';
import { MAX_READ_ONE_BY_ONE } from '../../sandbox/limits';
import type { Sandbox } from '../../sandbox/schema';
import { sandboxApi } from '../../sandbox-api/configured';

/**
 * The source of a reading: the details of one sandbox, or the list of all. The two can disagree, for example about a sandbox
 * that is being paused. The plan and the work of an operation therefore use the same source.
 */
export type ReadingSource = 'detail' | 'list';

/** The source for an operation on `count` sandboxes. */
export function sourceFor(count: number): ReadingSource {
  return count <= MAX_READ_ONE_BY_ONE ? 'detail' : 'list';
}

type Options = {
  source: ReadingSource;
  /** Only readings requested after this time count, epoch ms. Details are always read anew. */
  sinceMs: number;
  /** Whether the sandbox was killed, so that only a whole list can answer. */
  expected?: 'present' | 'gone';
};

/** Reads a sandbox and updates the fleet with it. `null`: it does not exist. @throws SandkeeperError */
export async function readTarget(
  id: string,
  { source, sinceMs, expected }: Options,
): Promise<Sandbox | null> {
  // Only the details can tell what exists if the list does not end.
  if (source === 'list' && !fleetWatcher().isEndless) return fleetWatcher().readSince(id, sinceMs, expected);
  const requestedAtMs = Date.now();
  try {
    const sandbox = await sandboxApi().getSandbox(id);
    fleetWatcher().recordReading(sandbox, requestedAtMs);
    return fleetWatcher().asListed(sandbox);
  } catch (thrown) {
    if (!(thrown instanceof SandkeeperError && thrown.code === 'not_found')) throw thrown;
    fleetWatcher().recordGone(id);
    return null;
  }
}

import 'server-only';
import { SandkeeperError } from '../../errors';
import { watcherOf } from '../../fleet/watchers';
import { MAX_READ_ONE_BY_ONE } from '../../sandbox/limits';
import type { Sandbox } from '../../sandbox/schema';
import { apiOf } from '../../sandbox-api/configured';
import type { SandboxKey } from '../../sandbox-key';

/**
 * The source of a reading: the details of one sandbox, or the list of all. The two can disagree, for example about a sandbox
 * that is being paused. The plan and the work of an operation therefore use the same source.
 */
export type ReadingSource = 'detail' | 'list';

/** The source for an operation on `count` sandboxes of a connection. */
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
  key: SandboxKey,
  { source, sinceMs, expected }: Options,
): Promise<Sandbox | null> {
  // Only the details can tell what exists if the list does not end.
  const watcher = watcherOf(key);
  if (source === 'list' && !watcher.isEndless) return watcher.readSince(key, sinceMs, expected);
  const requestedAtMs = Date.now();
  try {
    const sandbox = await apiOf(key).getSandbox(key);
    watcher.recordReading(sandbox, requestedAtMs);
    return watcher.asListed(sandbox);
  } catch (thrown) {
    if (!(thrown instanceof SandkeeperError && thrown.code === 'not_found')) throw thrown;
    watcher.recordGone(key);
    return null;
  }
}

/** Reads each sandbox; `null` when it does not exist. The readings also update the fleet view. */
export async function readEach(
  keys: readonly SandboxKey[],
  source: ReadingSource,
): Promise<Map<SandboxKey, Sandbox | null>> {
  const sinceMs = Date.now();
  const sandboxes = await Promise.all(keys.map((key) => readTarget(key, { source, sinceMs })));
  return new Map(keys.map((key, index) => [key, sandboxes[index] ?? null]));
}

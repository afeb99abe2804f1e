import 'server-only';
import { SandkeeperError } from '../errors';
import { failureOf } from '../result';
import { type Sandbox, SandboxId } from '../sandbox/schema';
import { sandboxApi } from '../sandbox-api/configured';
import { fleetWatcher } from './watcher';

export type SandboxReading =
  | { kind: 'found'; sandbox: Sandbox }
  /** The service has no sandbox with this id. */
  | { kind: 'gone' }
  /** Not a valid id. */
  | { kind: 'invalid' }
  /** The service could not be read. `last` is the row of the last reading of the list. */
  | { kind: 'unreadable'; message: string; last: Sandbox | null };

/** Reads one sandbox, without waking it or moving its deadline, and updates the fleet with it. */
export async function readSandbox(id: string): Promise<SandboxReading> {
  if (!SandboxId.safeParse(id).success) return { kind: 'invalid' };
  const watcher = fleetWatcher();
  const requestedAtMs = Date.now();
  try {
    const sandbox = await sandboxApi().getSandbox(id);
    // `asListed` needs the row of the list, which may not have been read yet.
    if (watcher.find(id) === undefined) await watcher.ready(1_000);
    watcher.recordReading(sandbox, requestedAtMs);
    return { kind: 'found', sandbox: watcher.asListed(sandbox) };
  } catch (thrown) {
    if (thrown instanceof SandkeeperError && thrown.code === 'not_found') {
      watcher.recordGone(id);
      return { kind: 'gone' };
    }
    return { kind: 'unreadable', message: failureOf(thrown).message, last: watcher.find(id) ?? null };
  }
}

import 'server-only';
import { SandkeeperError } from '../errors';
import { failureOf } from '../result';
import { type Sandbox, SandboxId } from '../sandbox/schema';
import { getSandbox } from '../sandbox-api/control';
import { fleetWatcher } from './watcher';

/** What looking at one id found. */
export type Look =
  | { kind: 'there'; sandbox: Sandbox }
  /** The service has no such sandbox (any more). */
  | { kind: 'gone' }
  /** Cannot be an id at all. */
  | { kind: 'nonsense' }
  /** The service could not be asked; `last` is what the list said last. */
  | { kind: 'unreadable'; message: string; last: Sandbox | null };

/** Reads one sandbox, without waking it or moving its deadline, and shares the news with everybody who looks. */
export async function lookAtSandbox(id: string): Promise<Look> {
  if (!SandboxId.safeParse(id).success) return { kind: 'nonsense' };
  const watcher = fleetWatcher();
  const askedAtMs = Date.now();
  try {
    const sandbox = await getSandbox(id);
    // The list may not have come to it yet, and names its template better than the detail does.
    if (watcher.find(id) === undefined) await watcher.ready(1_000);
    watcher.settle(sandbox, askedAtMs);
    return { kind: 'there', sandbox: watcher.asListed(sandbox) };
  } catch (thrown) {
    if (thrown instanceof SandkeeperError && thrown.code === 'not_found') {
      watcher.settleGone(id);
      return { kind: 'gone' };
    }
    return { kind: 'unreadable', message: failureOf(thrown).message, last: watcher.find(id) ?? null };
  }
}

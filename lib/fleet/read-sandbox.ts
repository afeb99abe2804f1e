import 'server-only';
import { connections, describeDisabled } from '../connections/registry';
import { SandkeeperError } from '../errors';
import { failureOf } from '../result';
import type { Sandbox } from '../sandbox/schema';
import { apiOf } from '../sandbox-api/configured';
import { connectionOf, SandboxKey } from '../sandbox-key';
import { watcherOf } from './watchers';

export type SandboxReading =
  | { kind: 'found'; sandbox: Sandbox }
  /** The service has no such sandbox. */
  | { kind: 'gone' }
  /** Not a valid id, or no connection of this name. */
  | { kind: 'invalid' }
  /** The service could not be read. `last` is the row of the last reading of the list. */
  | { kind: 'unreadable'; message: string; last: Sandbox | null };

/** Reads one sandbox, without waking it or moving its deadline, and updates the fleet with it. */
export async function readSandbox(key: SandboxKey): Promise<SandboxReading> {
  if (!SandboxKey.safeParse(key).success) return { kind: 'invalid' };
  const connection = connections().find(connectionOf(key));
  if (connection === undefined) return { kind: 'invalid' };
  if (connection.isDisabled)
    return { kind: 'unreadable', message: describeDisabled(connection.name), last: null };
  const watcher = watcherOf(key);
  const requestedAtMs = Date.now();
  try {
    const sandbox = await apiOf(key).getSandbox(key);
    // `asListed` needs the row of the list, which may not have been read yet.
    if (watcher.find(key) === undefined) await watcher.ready(1_000);
    watcher.recordReading(sandbox, requestedAtMs);
    return { kind: 'found', sandbox: watcher.asListed(sandbox) };
  } catch (thrown) {
    if (thrown instanceof SandkeeperError && thrown.code === 'not_found') {
      watcher.recordGone(key);
      return { kind: 'gone' };
    }
    return { kind: 'unreadable', message: failureOf(thrown).message, last: watcher.find(key) ?? null };
  }
}

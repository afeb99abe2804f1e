import 'server-only';
import { connections, type KnownConnection } from '../connections/registry';
import { NOTHING_READ } from '../fleet/delta';
import { fleetWatcher } from '../fleet/watchers';
import type { CapabilityFinding } from '../sandbox-api/capabilities';
import { sandboxApi } from '../sandbox-api/configured';
import type { ConnectionName } from '../sandbox-key';
import { type ConnectionFacts, connectionState } from './connection-facts';

/** All connections as the settings show them, disabled ones too. */
export function listConnectionFacts(): ConnectionFacts[] {
  return connections().list().map(factsOf);
}

/** One connection, or `null` if there is none of this name. */
export function findConnectionFacts(name: ConnectionName): ConnectionFacts | null {
  const connection = connections().find(name);
  return connection === undefined ? null : factsOf(connection);
}

/** What a connection was found to offer. `null` while it is disabled or its key cannot be decrypted. */
export type Compatibility = { findings: CapabilityFinding[]; text: string; json: string };

export function compatibilityOf({ name, isDisabled, hasKey }: ConnectionFacts): Compatibility | null {
  return isDisabled || !hasKey ? null : sandboxApi(name).describeCapabilities();
}

/** Asks the service again for its capabilities, without changing anything. @throws SandkeeperError if it cannot be reached */
export async function checkCompatibility(name: ConnectionName): Promise<null> {
  await sandboxApi(name).probe();
  // What is lacking reaches the browsers with the status of the next reading.
  fleetWatcher(name).refresh();
  return null;
}

/** Field by field, so that nothing secret is added by accident. */
function factsOf(connection: KnownConnection): ConnectionFacts {
  const { name, isDisabled, key, apiUrl } = connection;
  const watcher = isDisabled ? null : fleetWatcher(name);
  const { sandboxes, status } = watcher?.snapshot() ?? { sandboxes: [], status: NOTHING_READ };
  const known = { isDisabled, hasKey: key !== null };
  return {
    ...known,
    name,
    title: connection.title,
    label: connection.label,
    kind: connection.kind,
    apiUrl,
    host: new URL(apiUrl).host,
    domain: connection.domain,
    sandboxUrl: connection.sandboxUrl,
    teamId: connection.teamId,
    source: connection.source,
    declaredIn: connection.declaredIn,
    keyTail: connection.keyTail,
    createdBy: connection.createdBy,
    createdAtMs: connection.createdAtMs,
    version: connection.version,
    changes: connection.changes,
    state: connectionState(known, status),
    lastProblem: watcher?.lastProblem ?? null,
    sandboxes: status.asOfMs === null ? null : sandboxes.length,
    lastReadAtMs: status.asOfMs,
    aheadMs: status.serviceAheadMs,
  };
}

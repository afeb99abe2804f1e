import 'server-only';
import type { ShownConnection } from '../connection';
import { shownConnections } from '../connections/registry';
import { type Grants, roleOn } from '../grants';
import { mergeStatus } from './merged-status';
import type { FleetsSnapshot } from './view';
import { fleetWatchers } from './watchers';

/** The fleets of the connections in use that the person may see, as they were read last. Does not wait; see `fleetsReady`. */
export function allFleets(grants: Grants): FleetsSnapshot {
  const snapshots = watchersFor(grants).map(([name, watcher]) => [name, watcher.snapshot()] as const);
  return {
    sandboxes: snapshots.flatMap(([, { sandboxes }]) => sandboxes),
    status: mergeStatus(snapshots.map(([, { status }]) => status)),
    statuses: Object.fromEntries(snapshots.map(([name, { status }]) => [name, status])),
    connections: connectionsFor(grants),
  };
}

/** Starts reading the fleets that the person may see. Resolves when each has been read or failed once, or after `timeoutMs`. */
export async function fleetsReady(grants: Grants, timeoutMs: number): Promise<void> {
  await Promise.all(watchersFor(grants).map(([, watcher]) => watcher.ready(timeoutMs)));
}

function watchersFor(grants: Grants) {
  return fleetWatchers().filter(([name]) => roleOn(grants, name) !== null);
}

/** The connections in use that the person may see. */
export function connectionsFor(grants: Grants): ShownConnection[] {
  return shownConnections().filter(({ name }) => roleOn(grants, name) !== null);
}

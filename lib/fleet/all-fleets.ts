import 'server-only';
import { shownConnections } from '../connections/registry';
import { mergeStatus } from './merged-status';
import type { FleetsSnapshot } from './view';
import { fleetWatchers } from './watchers';

/** The fleets of all connections in use, as they were read last. Does not wait; see `fleetsReady`. */
export function allFleets(): FleetsSnapshot {
  const snapshots = fleetWatchers().map(([name, watcher]) => [name, watcher.snapshot()] as const);
  return {
    sandboxes: snapshots.flatMap(([, { sandboxes }]) => sandboxes),
    status: mergeStatus(snapshots.map(([, { status }]) => status)),
    statuses: Object.fromEntries(snapshots.map(([name, { status }]) => [name, status])),
    connections: shownConnections(),
  };
}

/** Starts reading all fleets. Resolves when each has been read or failed once, or after `timeoutMs`. */
export async function fleetsReady(timeoutMs: number): Promise<void> {
  await Promise.all(fleetWatchers().map(([, watcher]) => watcher.ready(timeoutMs)));
}

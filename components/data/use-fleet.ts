'use client';

import { useMemo, useSyncExternalStore } from 'react';
import { type FleetsView, fleets, lackingOf, NO_FLEETS } from '@/lib/fleet/fleets';
import { commonLacking } from '@/lib/fleet/merged-status';
import { liveSocket } from '@/lib/live/socket';
import { type ActUnderWay, operationProgress } from '@/lib/operations/record/progress';
import { LACKS_NOTHING, type Lacking } from '@/lib/sandbox/capabilities';
import { type ConnectionName, connectionOf, type SandboxKey } from '@/lib/sandbox-key';

const NOTHING_UNDER_WAY: ReadonlyMap<SandboxKey, ActUnderWay> = new Map();

// React calls `subscribe` in the browser only, so the server never creates the tab's singletons.
const subscribeToFleet = (listener: () => void) => fleets().subscribe(listener);
const subscribeToOperations = (listener: () => void) => operationProgress().subscribe(listener);
const subscribeToLive = (listener: () => void) => liveSocket().onStateChange(listener);

/** The fleets of all connections as this tab knows them. `rows` is null on the server and until the first snapshot. */
export function useFleetView(): FleetsView {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleets().view(),
    () => NO_FLEETS,
  );
}

/** What the service of a connection does not offer, with the reasons to show. */
export function useLacking(connection: ConnectionName): Lacking {
  return useSyncExternalStore(
    subscribeToFleet,
    () => lackingOf(connection, fleets().view().lacking),
    () => LACKS_NOTHING,
  );
}

/** What the service of each connection does not offer. Read it with `lackingOf`. */
export function useAllLacking(): FleetsView['lacking'] {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleets().view().lacking,
    () => NO_FLEETS.lacking,
  );
}

/** What the services of all these sandboxes lack, so that none of them can do it. Without keys: of all connections. */
export function useSharedLacking(keys?: readonly SandboxKey[]): Lacking {
  const lacking = useAllLacking();
  const names = keys === undefined ? null : [...new Set(keys.map(connectionOf))].sort().join(' ');
  return useMemo(() => {
    const of = names === null ? [...lacking.keys()] : names.split(' ').filter(Boolean);
    return commonLacking(of.map((name) => lackingOf(name, lacking)));
  }, [lacking, names]);
}

/** The action in progress on each sandbox, by sandbox key. */
export function useActsUnderWay(): ReadonlyMap<SandboxKey, ActUnderWay> {
  return useSyncExternalStore(
    subscribeToOperations,
    () => operationProgress().underWay(),
    () => NOTHING_UNDER_WAY,
  );
}

/** The state of the tab's WebSocket. */
export function useLiveState() {
  return useSyncExternalStore(
    subscribeToLive,
    () => liveSocket().state(),
    () => 'connecting' as const,
  );
}

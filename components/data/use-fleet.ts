'use client';

import { useSyncExternalStore } from 'react';
import { type FleetsView, fleets, NO_FLEETS } from '@/lib/fleet/fleets';
import { liveSocket } from '@/lib/live/socket';
import { type ActUnderWay, operationProgress } from '@/lib/operations/record/progress';
import { LACKS_NOTHING, type Lacking } from '@/lib/sandbox/capabilities';
import type { SandboxKey } from '@/lib/sandbox-key';

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

/** Whether more than one connection is in use, so that each sandbox is shown with its own. */
export function useNamesConnections(): boolean {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleets().view().connections.length > 1,
    () => false,
  );
}

/** What the service does not offer, with the reasons to show. */
export function useLacking(): Lacking {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleets().view().status.lacking,
    () => LACKS_NOTHING,
  );
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

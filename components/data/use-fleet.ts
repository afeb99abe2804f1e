'use client';

import { useSyncExternalStore } from 'react';
import { type FleetView, fleetStore, NOTHING_KNOWN } from '@/lib/fleet/store';
import { liveSocket } from '@/lib/live/socket';
import { type ActUnderWay, operationProgress } from '@/lib/operations/record/progress';
import { LACKS_NOTHING, type Lacking } from '@/lib/sandbox/capabilities';

const NOTHING_UNDER_WAY: ReadonlyMap<string, ActUnderWay> = new Map();

// React calls `subscribe` in the browser only, so the server never creates the tab's singletons.
const subscribeToFleet = (listener: () => void) => fleetStore().subscribe(listener);
const subscribeToOperations = (listener: () => void) => operationProgress().subscribe(listener);
const subscribeToLive = (listener: () => void) => liveSocket().onStateChange(listener);

/** The fleet as this tab knows it. `rows` is null on the server and until the first snapshot. */
export function useFleetView(): FleetView {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleetStore().view(),
    () => NOTHING_KNOWN,
  );
}

/** What the service does not offer, with the reasons to show. */
export function useLacking(): Lacking {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleetStore().view().status.lacking,
    () => LACKS_NOTHING,
  );
}

/** The action in progress on each sandbox, by sandbox id. */
export function useActsUnderWay(): ReadonlyMap<string, ActUnderWay> {
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

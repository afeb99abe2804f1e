'use client';

import { useSyncExternalStore } from 'react';
import { type FleetView, fleetStore, NOTHING_KNOWN } from '@/lib/fleet/store';
import { liveSocket } from '@/lib/live/socket';
import { type ActUnderWay, operationProgress } from '@/lib/operations/record/progress';

const NOTHING_UNDER_WAY: ReadonlyMap<string, ActUnderWay> = new Map();

// React calls `subscribe` in the browser only, so the tab's singletons are never made on the server.
const subscribeToFleet = (listener: () => void) => fleetStore().subscribe(listener);
const subscribeToOperations = (listener: () => void) => operationProgress().subscribe(listener);
const subscribeToLive = (listener: () => void) => liveSocket().onStateChange(listener);

/** The fleet of this tab; on the server and until it has arrived, `rows` is null. */
export function useFleetView(): FleetView {
  return useSyncExternalStore(
    subscribeToFleet,
    () => fleetStore().view(),
    () => NOTHING_KNOWN,
  );
}

/** What is being done at this moment, by sandbox id. */
export function useActsUnderWay(): ReadonlyMap<string, ActUnderWay> {
  return useSyncExternalStore(
    subscribeToOperations,
    () => operationProgress().underWay(),
    () => NOTHING_UNDER_WAY,
  );
}

/** Whether the connection to our own server is there. */
export function useLiveState() {
  return useSyncExternalStore(
    subscribeToLive,
    () => liveSocket().state(),
    () => 'connecting' as const,
  );
}

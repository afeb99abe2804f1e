'use client';

import { usePathname } from 'next/navigation';
import { useMemo } from 'react';
import { useFleetView } from '@/components/data/use-fleet';
import { useUrlState } from '@/components/data/use-url-state';
import type { ShownConnection } from '@/lib/connection';
import { type FleetStatus, NOTHING_READ } from '@/lib/fleet/delta';
import { filterInForce, finishedText } from '@/lib/fleet/filter/in-force';
import { connectionsIn } from '@/lib/fleet/filter/narrowing';
import { NO_FLEETS } from '@/lib/fleet/fleets';
import { countByConnection, type StateCounts } from '@/lib/fleet/view';
import { paths } from '@/lib/paths';
import type { ConnectionName } from '@/lib/sandbox-key';

/** The fleets as the server knew them at `nowMs`. */
export type ServedSummary = {
  counts: Readonly<Record<ConnectionName, StateCounts>>;
  statuses: Readonly<Record<ConnectionName, FleetStatus>>;
  connections: readonly ShownConnection[];
  nowMs: number;
};

/** A connection with its list. */
export type ListedConnection = ShownConnection & { status: FleetStatus; counts: StateCounts };

const NONE: StateCounts = { running: 0, paused: 0, total: 0 };

/** Each connection with its status and counts, as served until the tab knows them. */
export function useListed(initial: ServedSummary): readonly ListedConnection[] {
  const { rows, statuses, ...view } = useFleetView();
  const isKnown = rows !== null || view.connections.length === 0;
  const isServed = view.connections === NO_FLEETS.connections || !isKnown;
  const connections = isServed ? initial.connections : view.connections;
  const counts = useMemo(
    () => (rows === null ? initial.counts : countByConnection(rows.map(({ sandbox }) => sandbox))),
    [rows, initial],
  );
  return connections.map((connection) => ({
    ...connection,
    status: (isServed ? initial.statuses[connection.name] : statuses.get(connection.name)) ?? NOTHING_READ,
    counts: (Object.hasOwn(counts, connection.name) ? counts[connection.name] : undefined) ?? NONE,
  }));
}

/** The connections that the filter in the URL leaves. Pages other than the fleet's have none. */
export function useNarrowed(listed: readonly ListedConnection[]): readonly ConnectionName[] {
  const [query] = useUrlState('q');
  const isFleet = usePathname() === paths.sandboxes();
  const names = listed.map(({ name }) => name);
  return isFleet && query !== null
    ? connectionsIn(filterInForce(finishedText(query)).filter ?? [], names)
    : names;
}

'use client';

import { usePathname, useRouter } from 'next/navigation';
import { createContext, type ReactNode, useContext, useSyncExternalStore } from 'react';
import { isConnectionNamed, type ShownConnection } from '@/lib/connection';
import type { FleetStatus } from '@/lib/fleet/delta';
import { finishedText } from '@/lib/fleet/filter/in-force';
import { narrowTo } from '@/lib/fleet/filter/narrowing';
import { fleets, NO_FLEETS } from '@/lib/fleet/fleets';
import { paths } from '@/lib/paths';
import type { ConnectionName } from '@/lib/sandbox-key';
import { useUrlState } from './use-url-state';

const Served = createContext<readonly ShownConnection[]>([]);

// React calls `subscribe` in the browser only, so the server never creates the tab's singletons.
const subscribe = (listener: () => void) => fleets().subscribe(listener);

/** Tells everything below the connections that are in use while the page is rendered on the server. */
export function ServedConnections({
  connections,
  children,
}: {
  connections: readonly ShownConnection[];
  children: ReactNode;
}) {
  return <Served value={connections}>{children}</Served>;
}

/** The connections in use. */
export function useConnections(): readonly ShownConnection[] {
  const served = useContext(Served);
  return useSyncExternalStore(
    subscribe,
    () => (fleets().view() === NO_FLEETS ? served : fleets().view().connections),
    () => served,
  );
}

/** Whether more than one connection is in use, so that each sandbox is shown with its own. */
export function useNamesConnections(): boolean {
  return useConnections().length > 1;
}

/** The connection, if people must be told which one it is. */
export function useNamedConnection(name: ConnectionName): ShownConnection | null {
  const connections = useConnections();
  return isConnectionNamed(name, connections)
    ? (connections.find((connection) => connection.name === name) ?? null)
    : null;
}

/** How current the list of a connection is. `null` until that is known. */
export function useConnectionStatus(name: ConnectionName): FleetStatus | null {
  return useSyncExternalStore(
    subscribe,
    () => fleets().view().statuses.get(name) ?? null,
    () => null,
  );
}

/**
 * Narrows the fleet to one connection, or to all for `null`, by its filter. The fleet's page keeps the rest of its filter;
 * every other page leads to the fleet.
 */
export function useNarrow(): (name: ConnectionName | null) => void {
  const router = useRouter();
  const path = usePathname();
  const [shown, setShown] = useUrlState('q');
  return (name) => {
    const names = name === null ? [] : [name];
    const text = narrowTo(path === paths.sandboxes() ? finishedText(shown ?? '') : '', ...names).trim();
    if (path === paths.sandboxes()) setShown(text || null);
    else
      router.push(
        text === '' ? paths.sandboxes() : `${paths.sandboxes()}?${new URLSearchParams({ q: text })}`,
      );
  };
}

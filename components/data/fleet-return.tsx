'use client';

import Link from 'next/link';
import { type ComponentProps, useSyncExternalStore } from 'react';
import { paths } from '@/lib/paths';

/** The fleet as it was last seen in this tab. */
export type FleetPlace = {
  /** The query of its URL with the `?`: filter, sort order, columns. */
  search: string;
  /** How far its rows were scrolled, px. */
  scrollTop: number;
};

let place: FleetPlace = { search: '', scrollTop: 0 };
const listeners = new Set<() => void>();

/** Called by the fleet page whenever its filter, sort order, columns or scroll position change. */
export function rememberFleet(change: Partial<FleetPlace>): void {
  const before = place;
  place = { ...place, ...change };
  if (before.search !== place.search) for (const listener of listeners) listener();
}

/** Where the fleet was left, for the way back to it. */
export function fleetPlace(): FleetPlace {
  return place;
}

/** The path of the fleet with the filter, sort order and columns that it was left with. */
export function fleetPath(): string {
  return `${paths.sandboxes()}${place.search}`;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A link back to the fleet as it was left. */
export function FleetLink({
  href: _,
  ...props
}: Omit<ComponentProps<typeof Link>, 'href'> & { href?: string }) {
  const href = useSyncExternalStore(subscribe, fleetPath, () => paths.sandboxes());
  return <Link {...props} href={href} />;
}

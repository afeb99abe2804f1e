'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { usePathname, useRouter } from 'next/navigation';
import { useState } from 'react';
import { FleetLink, fleetPath } from '@/components/data/fleet-return';
import { useOperations } from '@/components/data/use-operations';
import { isNotable } from '@/components/operations/tray-entries';
import { LazyMenu } from '@/components/ui/floating';
import { paths } from '@/lib/paths';

type Place = { name: string; href: string; forAdmins: boolean };

const PLACES: readonly Place[] = [
  { name: 'Sandboxes', href: paths.sandboxes(), forAdmins: false },
  { name: 'Operations', href: paths.operations(), forAdmins: false },
  { name: 'Settings', href: paths.settings(), forAdmins: false },
];

/** The main navigation, with the number of operations in progress. */
export function MainNav({ isAdmin }: { isAdmin: boolean }) {
  const path = usePathname();
  const inProgress = useOperations().filter(({ operation }) => isNotable(operation)).length;
  const places = PLACES.filter(({ forAdmins }) => isAdmin || !forAdmins);
  return (
    <nav aria-label="Main" className="flex shrink-0 items-center gap-1 whitespace-nowrap">
      <PlaceMenu places={places} path={path} inProgress={inProgress} />
      {places.map(({ name, href }) => {
        const isHere = path === href;
        const count = href === paths.operations() ? inProgress : 0;
        // From elsewhere, back to the fleet as it was left. On the fleet itself, without its filter.
        const PlaceLink = name === 'Sandboxes' && !isHere ? FleetLink : Link;
        return (
          <PlaceLink
            key={href}
            href={href}
            aria-label={count > 0 ? `${name}, ${count} in progress` : undefined}
            // A page below this one is inside it, but is not it.
            aria-current={isHere ? 'page' : path.startsWith(`${href}/`) ? 'true' : undefined}
            className={clsx(
              'rounded-md px-2.5 py-1 font-medium text-ink-2 hover:text-ink max-sm:hidden',
              'aria-[current]:bg-hover aria-[current]:text-ink',
            )}
          >
            {name}
            <Count count={count} />
          </PlaceLink>
        );
      })}
    </nav>
  );
}

type MenuProps = { places: readonly Place[]; path: string; inProgress: number };

/** The same places as a menu, in a header too narrow for links. */
function PlaceMenu({ places, path, inProgress }: MenuProps) {
  const router = useRouter();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const here = places.find(({ href }) => path === href || path.startsWith(`${href}/`));
  const name = here?.name ?? 'Menu';
  return (
    <>
      <button
        type="button"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        aria-label={inProgress > 0 ? `${name}, ${inProgress} in progress` : name}
        onPointerEnter={LazyMenu.preload}
        onClick={(event) => setAnchor(event.currentTarget)}
        className="flex h-8 items-center rounded-md bg-hover px-2.5 font-medium sm:hidden"
      >
        {name}
        <Count count={inProgress} />
        <span aria-hidden className="icon icon-chevron ml-1.5 size-3! rotate-90 text-ink-3" />
      </button>
      <LazyMenu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        acts={places.map((place) => ({
          label: place.name,
          onActivate: () =>
            router.push(place.href === paths.sandboxes() && path !== place.href ? fleetPath() : place.href),
        }))}
      />
    </>
  );
}

function Count({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span
      aria-hidden
      className="ml-1.5 inline-block min-w-[18px] rounded-full bg-accent px-1 text-center text-[11px] text-accent-ink leading-[18px]"
    >
      {count}
    </span>
  );
}

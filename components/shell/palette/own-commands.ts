'use client';

import { usePathname, useRouter } from 'next/navigation';
import { signOutEverywhere } from '@/components/access/sign-out';
import { fleetPath } from '@/components/data/fleet-return';
import { useConnections, useNarrow } from '@/components/data/use-connections';
import { usePerson } from '@/components/data/use-person';
import { useUrlState } from '@/components/data/use-url-state';
import { THEME_NAMES, THEMES } from '@/components/ui/theme';
import { chooseTheme } from '@/components/ui/use-theme';
import type { ShownConnection } from '@/lib/connection';
import { withTerm } from '@/lib/fleet/filter/edit';
import { parseFilter, type Term } from '@/lib/fleet/filter/filter';
import { EVERYWHERE, mayIn } from '@/lib/grants';
import type { Command } from '@/lib/palette/offers';
import { paths } from '@/lib/paths';
import { visibleText } from '@/lib/visible-text';

/** The most common filters. */
const FILTERS = [
  { title: 'Show paused sandboxes only', filter: 'state:paused', words: 'filter' },
  { title: 'Show sandboxes older than 24 h', filter: 'age>24h', words: 'filter age day' },
  {
    title: 'Show sandboxes with less than 10 min left',
    filter: 'left<10m',
    words: 'filter time soon ending',
  },
] as const;

type Place = { title: string; words: string; href: string; forAdmins?: true };

const PLACES: readonly Place[] = [
  { title: 'Go to Sandboxes', words: 'fleet list', href: paths.sandboxes() },
  { title: 'Go to Operations', words: 'audit log record', href: paths.operations() },
  {
    title: 'Go to the access log',
    words: 'audit log record sign-in',
    href: paths.access(),
  },
  {
    title: 'Go to connections',
    words: 'settings accounts services api keys',
    href: paths.connections(),
    forAdmins: true,
  },
];

/** The fleet opens as it was left. */
function addressOf(href: string): string {
  return href === paths.sandboxes() ? fleetPath() : href;
}

/** The commands of every page. `query` is the text of the palette's input. */
export function useOwnCommands(query: string, onKeys: () => void): Command[] {
  const router = useRouter();
  const path = usePathname();
  const addToFilter = useAddToFilter();
  const connections = useConnections();
  const { grants } = usePerson();
  const isAdmin = mayIn(grants, 'admin', EVERYWHERE);
  const reachable = PLACES.filter(({ href, forAdmins }) => href !== path && (isAdmin || !forAdmins));
  const places = reachable.map(({ href, title, words }): Command => {
    return { id: `go:${href}`, group: 'go', title, words, onRun: () => router.push(addressOf(href)) };
  });
  const isSearching = query.trim() !== '';
  const details = isSearching
    ? connections
        .filter(({ name }) => mayIn(grants, 'operator', name))
        .map(({ name, title }): Command => {
          const href = paths.connection(name);
          return {
            id: `go:${href}`,
            group: 'go',
            title: `View the connection ${title}`,
            words: `${name} compatibility capabilities service`,
            isRare: true,
            onRun: () => router.push(href),
          };
        })
    : [];
  const filters = FILTERS.map(({ title, filter, words }): Command => {
    return { id: `filter:${filter}`, group: 'filter', title, words, onRun: () => addToFilter(filter) };
  });
  const narrow = useNarrow();
  const narrowings = connections.length < 2 ? [] : narrowingCommands(connections, narrow);
  return [
    ...places,
    ...details,
    ...filters,
    ...narrowings,
    ...appCommands(onKeys),
    ...searchAsFilter(query, addToFilter),
  ];
}

type Narrow = ReturnType<typeof useNarrow>;

/** The entries of the switcher in the header. */
function narrowingCommands(connections: readonly ShownConnection[], narrow: Narrow): Command[] {
  const words = 'filter connection account service switch';
  return [
    ...connections.map(({ name, title }): Command => {
      const shown = visibleText(title);
      return {
        id: `connection:${name}`,
        group: 'filter',
        title: `Show ${shown} only`,
        words: `${words} ${name}`,
        onRun: () => narrow(name),
      };
    }),
    {
      id: 'connections:all',
      group: 'filter',
      title: 'Show all connections',
      words,
      onRun: () => narrow(null),
    },
  ];
}

/** Offers the query as a filter of the fleet, which shows more results than the palette. */
function searchAsFilter(query: string, addToFilter: (filter: string) => void): Command[] {
  const text = query.trim();
  const parsed = parseFilter(text);
  if (text === '' || !parsed.ok) return [];
  // The query is among its search words, so it always matches.
  return [
    {
      id: 'search:query',
      group: 'search',
      title: `Filter sandboxes by ${text}`,
      words: query,
      onRun: () => addToFilter(text),
    },
  ];
}

function appCommands(onKeys: () => void): Command[] {
  const themes = THEMES.map((theme): Command => {
    const title = THEME_NAMES[theme];
    return { id: `app:${theme}`, group: 'app', title, words: 'appearance', onRun: () => chooseTheme(theme) };
  });
  return [
    ...themes,
    {
      id: 'app:keys',
      group: 'app',
      title: 'Keyboard shortcuts',
      words: 'keyboard shortcuts help',
      keys: '?',
      onRun: onKeys,
    },
    {
      id: 'app:sign-out',
      group: 'app',
      title: 'Sign out',
      words: 'log out',
      isRare: true,
      onRun: signOutEverywhere,
    },
  ];
}

/** Adds to the filter on the fleet's page. From another page, opens the fleet with this filter. */
function useAddToFilter(): (filter: string) => void {
  const router = useRouter();
  const path = usePathname();
  const [shown, setShown] = useUrlState('q');
  return (filter) => {
    if (path === paths.sandboxes())
      setShown(
        termsOf(filter)
          .reduce(withTerm, `${shown ?? ''} `)
          .trim(),
      );
    else router.push(`${paths.sandboxes()}?${new URLSearchParams({ q: filter })}`);
  };
}

function termsOf(filter: string): readonly Term[] {
  const parsed = parseFilter(filter);
  return parsed.ok ? parsed.filter : [];
}

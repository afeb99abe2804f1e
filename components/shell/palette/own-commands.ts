'use client';

import { usePathname, useRouter } from 'next/navigation';
import { useQueryState } from 'nuqs';
import { leave } from '@/components/access/leave';
import { THEME_NAMES, THEMES } from '@/components/ui/theme';
import { chooseTheme } from '@/components/ui/use-theme';
import { withTerm } from '@/lib/fleet/filter/edit';
import { parseFilter, type Term } from '@/lib/fleet/filter/filter';
import type { Command } from '@/lib/palette/offers';
import { paths } from '@/lib/paths';

/** Parts of the fleet that people look for most. */
const FILTERS = [
  { title: 'Show paused sandboxes only', filter: 'state:paused', words: 'filter' },
  { title: 'Show sandboxes older than 24 h', filter: 'age>24h', words: 'filter age day' },
  {
    title: 'Show sandboxes with less than 10 min left',
    filter: 'left<10m',
    words: 'filter time soon ending',
  },
] as const;

/** What can be done from every page. `query` is what is searched for. */
export function useOwnCommands(query: string, onKeys: () => void): Command[] {
  const router = useRouter();
  const path = usePathname();
  const addToFilter = useAddToFilter();
  const places: Command[] = [
    { id: 'go:sandboxes', title: 'Go to Sandboxes', words: 'fleet list', href: paths.sandboxes() },
    { id: 'go:operations', title: 'Go to Operations', words: 'audit log record', href: paths.operations() },
  ].map(({ href, ...place }) => ({
    ...place,
    group: 'go',
    disabledReason: path === href ? 'This is where you are.' : null,
    onRun: () => router.push(href),
  }));
  const filters = FILTERS.map(({ title, filter, words }): Command => {
    return { id: `filter:${filter}`, group: 'filter', title, words, onRun: () => addToFilter(filter) };
  });
  return [...places, ...filters, ...appCommands(onKeys), ...searchAsFilter(query, addToFilter)];
}

/** What was typed here, as a filter of the list: for who finds more than this list can show. */
function searchAsFilter(query: string, addToFilter: (filter: string) => void): Command[] {
  const text = query.trim();
  const parsed = parseFilter(text);
  if (text === '' || !parsed.ok) return [];
  // Its words are the search itself, so that it is found by whatever is typed.
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
    { id: 'app:sign-out', group: 'app', title: 'Sign out', words: 'log out', onRun: leave },
  ];
}

/** Narrows the list down further, or opens it narrowed down from elsewhere. */
function useAddToFilter(): (filter: string) => void {
  const router = useRouter();
  const path = usePathname();
  const [shown, setShown] = useQueryState('q', { defaultValue: '' });
  return (filter) => {
    if (path === paths.sandboxes()) void setShown(termsOf(filter).reduce(withTerm, `${shown} `).trim());
    else router.push(`${paths.sandboxes()}?${new URLSearchParams({ q: filter })}`);
  };
}

function termsOf(filter: string): readonly Term[] {
  const parsed = parseFilter(filter);
  return parsed.ok ? parsed.filter : [];
}

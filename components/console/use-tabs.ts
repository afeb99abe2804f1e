'use client';

import { useQueryState } from 'nuqs';
import { useState } from 'react';
import type { ConsoleInfo } from '@/lib/console/schema';
import { useConsoles } from './use-consoles';

/** The consoles as this page shows them: all there are, and those of one's own that the server lost while they were shown. */
export function useTabs(sandboxId: string) {
  const listed = useConsoles(sandboxId);
  const [tabs, setTabs] = useState<readonly ConsoleInfo[]>([]);
  const [merged, setMerged] = useState<readonly ConsoleInfo[] | null>(null);
  const [dropped, setDropped] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useQueryState('console', { history: 'replace' });
  const [looked, setLooked] = useState<ReadonlySet<string>>(new Set());
  if (listed !== null && listed !== merged) {
    setMerged(listed);
    setTabs(mergeTabs(tabs, listed));
  }
  const shown = tabs.filter(({ id }) => !dropped.has(id));
  const active = shown.find(({ id }) => id === asked) ?? shown.find(({ isMine }) => isMine) ?? null;
  if (active !== null && !looked.has(active.id)) setLooked(new Set([...looked, active.id]));
  return {
    isKnown: listed !== null,
    tabs: shown,
    active,
    /** Whether the address asks for one in particular. */
    isAsked: asked !== null,
    /** Other people's consoles are looked at when somebody asks for that, and no earlier. */
    attached: shown.filter(({ id, isMine }) => isMine || looked.has(id)),
    select: (id: string | null) => void setAsked(id),
    drop: (id: string) => setDropped((before) => new Set([...before, id])),
  };
}

function mergeTabs(before: readonly ConsoleInfo[], listed: readonly ConsoleInfo[]): ConsoleInfo[] {
  const ids = new Set(listed.map(({ id }) => id));
  const lost = before.filter(({ id, isMine, ending }) => isMine && !ids.has(id) && ending?.how !== 'closed');
  return [...listed, ...lost].toSorted(
    (one, other) => Number(other.isMine) - Number(one.isMine) || one.number - other.number,
  );
}

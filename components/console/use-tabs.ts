'use client';

import { useState } from 'react';
import { useLiveFeed } from '@/components/data/use-live-feed';
import { useUrlState } from '@/components/data/use-url-state';
import type { ConsoleInfo, ConsolesEvent } from '@/lib/console/schema';
import { LiveFeeds } from '@/lib/live/feeds';
import type { SandboxKey } from '@/lib/sandbox-key';

const feeds = new LiveFeeds<readonly ConsoleInfo[]>('consoles', (payload) => {
  const event = payload as ConsolesEvent;
  return event.kind === 'forbidden' ? null : { state: event.consoles, sentAtMs: event.sentAtMs };
});

/** The console tabs: all consoles of the sandbox, and one's own that the server lost while they were shown. */
export function useTabs(sandboxKey: SandboxKey) {
  const listed = useLiveFeed(feeds, sandboxKey);
  const [tabs, setTabs] = useState<readonly ConsoleInfo[]>([]);
  const [merged, setMerged] = useState<readonly ConsoleInfo[] | null>(null);
  const [dropped, setDropped] = useState<ReadonlySet<string>>(new Set());
  const [requested, setRequested] = useUrlState('console');
  const [shownIds, setShownIds] = useState<ReadonlySet<string>>(new Set());
  if (listed !== null && listed !== merged) {
    setMerged(listed);
    setTabs(mergeTabs(tabs, listed));
  }
  const shown = tabs.filter(({ id }) => !dropped.has(id));
  const active = shown.find(({ id }) => id === requested) ?? shown.find(({ isMine }) => isMine) ?? null;
  if (active !== null && !shownIds.has(active.id)) setShownIds(new Set([...shownIds, active.id]));
  return {
    isKnown: listed !== null,
    tabs: shown,
    active,
    /** Whether the URL names a console. */
    isRequested: requested !== null,
    /** Other people's consoles are attached only after they were selected. */
    attached: shown.filter(({ id, isMine }) => isMine || shownIds.has(id)),
    select: setRequested,
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

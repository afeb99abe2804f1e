'use client';

import { type ComponentType, useEffect, useState } from 'react';
import { useOperations } from '@/components/data/use-operations';
import type { Role } from '@/lib/access/roles';
import type { TrayListProps } from './tray-list';

const TRY_AGAIN_MS = 3_000;

let Loaded: ComponentType<TrayListProps> | null = null;

/**
 * Operations under way, at the foot of every page: beside what is shown, not above it. What it is made of is fetched
 * with the first operation.
 */
export function Tray({ actor, role }: { actor: string; role: Role }) {
  const views = useOperations();
  const [news, setNews] = useState('');
  const List = useTrayList(views.length > 0);
  return (
    <>
      {/* There from the start: what reads pages aloud only follows regions that it has seen empty. */}
      <p role="status" aria-label="Operations" className="sr-only">
        {news}
      </p>
      {List === null ? null : <List views={views} actor={actor} role={role} onNews={setNews} />}
    </>
  );
}

function useTrayList(isWanted: boolean): ComponentType<TrayListProps> | null {
  const [List, setList] = useState(() => Loaded);
  // The network is the external system.
  useEffect(() => {
    if (!isWanted || List !== null) return;
    let timer: ReturnType<typeof setTimeout>;
    let isCurrent = true;
    async function load() {
      try {
        Loaded = (await import('./tray-list')).TrayList;
        if (isCurrent) setList(() => Loaded);
      } catch {
        if (isCurrent) timer = setTimeout(load, TRY_AGAIN_MS);
      }
    }
    void load();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [isWanted, List]);
  return List;
}

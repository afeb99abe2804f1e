'use client';

import { type ComponentType, useEffect, useState } from 'react';
import { useOperations } from '@/components/data/use-operations';
import type { TrayListProps } from './tray-list';

const RETRY_MS = 3_000;

let Loaded: ComponentType<TrayListProps> | null = null;

/** Running operations, at the bottom of every page. Its code is loaded with the first operation. */
export function Tray() {
  const views = useOperations();
  const [announcement, setAnnouncement] = useState('');
  const List = useTrayList(views.length > 0);
  return (
    <>
      {/* Rendered from the start, because screen readers only follow regions that exist before they change. */}
      <p role="status" aria-label="Operations" className="sr-only">
        {announcement}
      </p>
      {List === null ? null : <List views={views} onAnnounce={setAnnouncement} />}
    </>
  );
}

function useTrayList(isWanted: boolean): ComponentType<TrayListProps> | null {
  const [List, setList] = useState(() => Loaded);
  useEffect(() => {
    if (!isWanted || List !== null) return;
    let timer: ReturnType<typeof setTimeout>;
    let isCurrent = true;
    async function load() {
      try {
        Loaded = (await import('./tray-list')).TrayList;
        if (isCurrent) setList(() => Loaded);
      } catch {
        if (isCurrent) timer = setTimeout(load, RETRY_MS);
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

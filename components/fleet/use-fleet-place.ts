'use client';

import { useSearchParams } from 'next/navigation';
import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import { fleetPlace, rememberFleet } from '@/components/data/fleet-return';

/** Remembers the view for links back to it, and scrolls to where it was left. `text` may not be in the URL yet. */
export function useFleetPlace(grid: RefObject<HTMLElement | null>, text: string): void {
  const params = useSearchParams();
  const query = new URLSearchParams(params);
  if (text.trim() === '') query.delete('q');
  else query.set('q', text.trim());
  const search = query.size === 0 ? '' : `?${query}`;
  const first = useRef(search);

  useLayoutEffect(() => {
    const left = fleetPlace();
    // Another filter shows other rows.
    if (grid.current && left.search === first.current) grid.current.scrollTop = left.scrollTop;
  }, [grid]);

  useEffect(() => rememberFleet({ search }), [search]);

  useEffect(() => {
    const element = grid.current;
    if (element === null) return;
    const onScroll = () => rememberFleet({ scrollTop: element.scrollTop });
    onScroll();
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => element.removeEventListener('scroll', onScroll);
  }, [grid]);
}

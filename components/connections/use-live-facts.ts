'use client';

import { useEffect, useMemo, useRef } from 'react';
import { useFleetView } from '@/components/data/use-fleet';
import { useRefresh } from '@/components/data/use-url-state';
import { connectionOf } from '@/lib/sandbox-key';
import { type ConnectionFacts, connectionState } from '@/lib/settings/connection-facts';

/** The facts that the server rendered, with what has been read since. They are read again when a connection changes. */
export function useLiveFacts(facts: readonly ConnectionFacts[]): ConnectionFacts[] {
  const { rows, connections, statuses } = useFleetView();
  const refresh = useRefresh();
  const seen = useRef<string | null>(null);
  const now =
    rows === null
      ? null
      : connections
          .map(({ name, title, host }) => `${name} ${title} ${host} ${statuses.get(name)?.problem?.message}`)
          .join('\n');
  useEffect(() => {
    if (seen.current !== null && now !== null && seen.current !== now) refresh();
    seen.current = now ?? seen.current;
  }, [now, refresh]);
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { sandbox } of rows ?? []) {
      const name = connectionOf(sandbox.key);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return facts.map((each) => {
      const status = statuses.get(each.name);
      if (status === undefined || each.isDisabled) return each;
      return {
        ...each,
        state: connectionState(each, status),
        sandboxes: status.asOfMs === null ? null : (counts.get(each.name) ?? 0),
        lastReadAtMs: status.asOfMs,
        aheadMs: status.serviceAheadMs,
      };
    });
  }, [facts, rows, statuses]);
}

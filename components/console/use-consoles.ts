'use client';

import { useLiveFeed } from '@/components/data/use-live-feed';
import type { ConsoleInfo, ConsolesEvent } from '@/lib/console/schema';
import type { ServerClock } from '@/lib/live/feeds';
import { LiveFeeds } from '@/lib/live/feeds';

const feeds = new LiveFeeds<readonly ConsoleInfo[]>('consoles', (payload) => {
  const event = payload as ConsolesEvent;
  return event.kind === 'forbidden' ? null : { state: event.consoles, sentAtMs: event.sentAtMs };
});

/** All consoles of a sandbox, everybody's; `null` until the server has said. */
export function useConsoles(sandboxId: string): readonly ConsoleInfo[] | null {
  return useLiveFeed(feeds, sandboxId);
}

/** The server's clock, as far as this tab has heard it tell of these consoles. */
export function consolesClock(sandboxId: string): Pick<ServerClock, 'at'> {
  return feeds.clock(sandboxId);
}

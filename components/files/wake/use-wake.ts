'use client';

import { useLiveFeed } from '@/components/data/use-live-feed';
import { LiveFeeds } from '@/lib/live/feeds';
import type { ServerClock } from '@/lib/live/server-clock';
import type { Sandbox } from '@/lib/sandbox/schema';
import { type WakeEvent, type WakeState, waitsForWaking } from '@/lib/wake/schema';

const feeds = new LiveFeeds<WakeState>('review', (payload) => payload as WakeEvent);

/**
 * How the review of a sandbox stands; `null` until the server has said so. A page that uses this is one that looks: it
 * keeps a sandbox under review awake.
 */
export function useWake(sandboxId: string): WakeState | null {
  return useLiveFeed(feeds, sandboxId);
}

/** The server's clock, as far as this tab has heard it tell of this review. */
export function wakeClock(sandboxId: string): Pick<ServerClock, 'at'> {
  return feeds.clock(sandboxId);
}

/** Whether its files cannot be read before somebody wakes it; follows the review, so it counts as looking. */
export function useNeedsWaking(sandbox: Sandbox): boolean {
  return waitsForWaking(sandbox.state, useWake(sandbox.id));
}

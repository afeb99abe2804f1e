'use client';

import { useLiveFeed } from '@/components/data/use-live-feed';
import { LiveFeeds } from '@/lib/live/feeds';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { needsWaking, type WakeEvent, type WakeState } from '@/lib/wake/schema';

const feeds = new LiveFeeds<WakeState>('wake', (payload) => payload as WakeEvent);

/**
 * The wake of a sandbox; `null` until the server has sent it. Every page of a sandbox uses this, which makes
 * it a viewer that keeps the sandbox awake.
 */
export function useWake(sandboxKey: SandboxKey): WakeState | null {
  return useLiveFeed(feeds, sandboxKey);
}

/** Whether the sandbox must be woken to read its files. Counts as viewing, like `useWake`. */
export function useNeedsWaking(sandbox: Sandbox): boolean {
  return needsWaking(sandbox.state, useWake(sandbox.key));
}

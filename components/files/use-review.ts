'use client';

import { useCallback, useSyncExternalStore } from 'react';
import { type ReviewEvent, type ReviewState, waitsForWaking } from '@/lib/files/review/schema';
import { ServerClock } from '@/lib/live/server-clock';
import { liveSocket } from '@/lib/live/socket';
import type { Sandbox } from '@/lib/sandbox/schema';

/** The review of one sandbox as this tab hears of it, and the clock of the server, by which it ends. */
class ReviewFeed {
  readonly clock = new ServerClock();
  readonly #listeners = new Set<() => void>();
  #state: ReviewState | null = null;
  #leave: (() => void) | null = null;

  constructor(private readonly sandboxId: string) {}

  readonly state = (): ReviewState | null => this.#state;

  /** Listening is looking: as long as somebody listens here, this tab keeps the sandbox awake. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    // What was known holds until the server says otherwise, which it does on joining.
    this.#leave ??= liveSocket().subscribe(
      'review',
      { onEvent: (payload) => this.#receive(payload as ReviewEvent), onGap: () => {} },
      this.sandboxId,
    );
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#leave?.();
      this.#leave = null;
      if (feeds.get(this.sandboxId) === this) feeds.delete(this.sandboxId);
    };
  }

  #receive({ state, sentAtMs }: ReviewEvent): void {
    this.clock.observe(sentAtMs, Date.now());
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

const feeds = new Map<string, ReviewFeed>();

/** One for all of a page that ask: the server sees one who looks. */
function feedOf(sandboxId: string): ReviewFeed {
  const feed = feeds.get(sandboxId) ?? new ReviewFeed(sandboxId);
  feeds.set(sandboxId, feed);
  return feed;
}

const unheard = () => null;

/**
 * How the review of a sandbox stands; `null` until the server has said so. A page that uses this is one that looks: it
 * keeps a sandbox under review awake.
 */
export function useReview(sandboxId: string): ReviewState | null {
  // React subscribes in the browser only, so no feed is ever made on the server.
  const subscribe = useCallback((listener: () => void) => feedOf(sandboxId).subscribe(listener), [sandboxId]);
  return useSyncExternalStore(subscribe, () => feeds.get(sandboxId)?.state() ?? null, unheard);
}

/** The server's clock, as far as this tab has heard it tell of this review. */
export function reviewClock(sandboxId: string): Pick<ServerClock, 'at'> {
  return feeds.get(sandboxId)?.clock ?? { at: (ms) => ms };
}

/** Whether its files cannot be read before somebody wakes it; follows the review, so it counts as looking. */
export function useNeedsWaking(sandbox: Sandbox): boolean {
  return waitsForWaking(sandbox.state, useReview(sandbox.id));
}

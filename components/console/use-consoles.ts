'use client';

import { useCallback, useSyncExternalStore } from 'react';
import type { ConsoleInfo, ConsolesEvent } from '@/lib/console/schema';
import { ServerClock } from '@/lib/live/server-clock';
import { liveSocket } from '@/lib/live/socket';

/** The consoles of one sandbox as this tab hears of them. */
class ConsolesFeed {
  readonly clock = new ServerClock();
  readonly #listeners = new Set<() => void>();
  #consoles: readonly ConsoleInfo[] | null = null;
  #leave: (() => void) | null = null;

  constructor(private readonly sandboxId: string) {}

  readonly consoles = (): readonly ConsoleInfo[] | null => this.#consoles;

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#leave ??= liveSocket().subscribe(
      'consoles',
      // What was known holds until the server says otherwise, which it does on joining.
      { onEvent: (payload) => this.#receive(payload as ConsolesEvent), onGap: () => {} },
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

  #receive(event: ConsolesEvent): void {
    if (event.kind === 'forbidden') return;
    this.clock.observe(event.sentAtMs, Date.now());
    this.#consoles = event.consoles;
    for (const listener of this.#listeners) listener();
  }
}

const feeds = new Map<string, ConsolesFeed>();

function feedOf(sandboxId: string): ConsolesFeed {
  const feed = feeds.get(sandboxId) ?? new ConsolesFeed(sandboxId);
  feeds.set(sandboxId, feed);
  return feed;
}

const unheard = () => null;

/** All consoles of a sandbox, everybody's; `null` until the server has said. */
export function useConsoles(sandboxId: string): readonly ConsoleInfo[] | null {
  const subscribe = useCallback((listener: () => void) => feedOf(sandboxId).subscribe(listener), [sandboxId]);
  return useSyncExternalStore(subscribe, () => feeds.get(sandboxId)?.consoles() ?? null, unheard);
}

/** The server's clock, as far as this tab has heard it tell of these consoles. */
export function consolesClock(sandboxId: string): Pick<ServerClock, 'at'> {
  return feeds.get(sandboxId)?.clock ?? { at: (ms) => ms };
}

'use client';

import { type ReactNode, useEffect, useState } from 'react';
import { Button } from '@/components/ui/button';
import { reloadPage } from '@/lib/kept-text';
import { type Channel, withoutSocket } from '@/lib/live/protocol';
import { type LiveState, liveSocket } from '@/lib/live/socket';
import { useLiveState } from './use-fleet';

/** How long a channel may take to send its first event over an open connection, ms. */
const ANSWERS_WITHIN_MS = 10_000;

/** Why a channel that cannot be read without a WebSocket stays silent, and who can change it. */
const NEEDS_SOCKET =
  'It needs a WebSocket, which your network does not let through. Ask your network’s admin to allow the upgrade on /live.';

const REASONS = {
  connecting: null,
  open: null,
  waiting: 'The connection to Sandkeeper is lost.',
  offline: 'You are offline.',
  blocked: NEEDS_SOCKET,
} satisfies Record<LiveState, string | null>;

type Props = {
  channel: Channel;
  /** What is missing, as the start of a sentence, for example `Consoles`. */
  what: string;
  /** Shown while the first event may still come. */
  children: ReactNode;
};

/** Stands in for the content of a live channel until its first event, and says why if none comes. */
export function LiveWait({ channel, what, children }: Props) {
  const live = useLiveState();
  const [isLate, setIsLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsLate(true), ANSWERS_WITHIN_MS);
    return () => clearTimeout(timer);
  }, []);
  const isRead = live === 'blocked' && withoutSocket(channel) !== 'none';
  const reason = isRead ? null : REASONS[live];
  if (reason === null && !isLate) return children;
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-2">
      <span>
        {reason === null ? `${what}: the server has not answered.` : `${what} cannot be shown. ${reason}`}
      </span>
      <Button onClick={() => (reason === null ? reloadPage() : liveSocket().retryNow())}>
        {reason === null ? 'Reload page' : 'Retry now'}
      </Button>
    </span>
  );
}

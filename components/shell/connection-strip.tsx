'use client';

import type { ReactNode } from 'react';
import { useFleetView, useLiveState } from '@/components/data/use-fleet';
import { usePageState } from '@/components/data/use-page-state';
import { Button } from '@/components/ui/button';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import { Strip } from '@/components/ui/strip';
import { reloadPage } from '@/lib/kept-text';
import { type LiveState, liveSocket } from '@/lib/live/socket';

/** Says on every page that it is cut off from the server, or older than the server, and what to do. */
export function ConnectionStrip() {
  const live = useLiveState();
  const { session, isOutdated } = usePageState();
  // The sign-in dialog says why nothing arrives.
  if (session !== 'valid') return null;
  return (
    <>
      {isOutdated ? <Outdated /> : null}
      <Lost live={live} />
    </>
  );
}

function Outdated() {
  return (
    <Strip
      tone="news"
      actions={
        <Button tone="primary" onClick={reloadPage}>
          Reload
        </Button>
      }
    >
      <Strong>Sandkeeper was updated.</Strong> This page is older than the server, so some actions may be
      refused. Reload it. What you have typed is kept.
    </Strip>
  );
}

const LOST = {
  connecting: null,
  open: null,
  waiting: { title: 'The connection to Sandkeeper is lost.', text: 'Reconnecting…' },
  offline: { title: 'You are offline.', text: 'Sandkeeper reconnects when the network is back.' },
  blocked: {
    title: 'Live updates are blocked.',
    text: 'Your network does not let WebSockets through. This page is read again every few seconds; consoles and the output of processes cannot be shown. Ask your network’s admin to allow the upgrade on /live.',
  },
} satisfies Record<LiveState, { title: string; text: string } | null>;

function Lost({ live }: { live: LiveState }) {
  const lost = LOST[live];
  if (lost === null) return null;
  return (
    <Strip actions={<Button onClick={() => liveSocket().retryNow()}>Retry now</Button>}>
      <Strong>{lost.title}</Strong> {lost.text} {live === 'blocked' ? null : <Age />}
    </Strip>
  );
}

/** How old the fleet on the page is. */
function Age() {
  const { asOfMs } = useFleetView().status;
  const age = useNow((now) => (asOfMs === null ? null : formatDuration(Math.max(0, now - asOfMs))), 0);
  return age === null ? null : <span className="text-ink-2">What you see is {age} old.</span>;
}

function Strong({ children }: { children: ReactNode }) {
  return <strong className="font-semibold">{children}</strong>;
}

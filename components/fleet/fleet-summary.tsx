'use client';

import { useMemo } from 'react';
import { useFleetView, useLiveState } from '@/components/data/use-fleet';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import type { ShownConnection } from '@/lib/connection';
import type { FleetStatus } from '@/lib/fleet/delta';
import { countStates } from '@/lib/fleet/view';
import type { LiveState } from '@/lib/live/socket';

type Props = {
  initial: {
    running: number;
    paused: number;
    status: FleetStatus;
    connections: readonly ShownConnection[];
    nowMs: number;
  };
};

/** The number of sandboxes, the share of the limit in use, and the age of the data. */
export function FleetSummary({ initial }: Props) {
  const view = useFleetView();
  const { running, paused } = useMemo(
    () => (view.rows === null ? initial : countStates(view.rows.map((row) => row.sandbox))),
    [view.rows, initial],
  );
  const { status, connections } = view.rows === null ? initial : view;
  return (
    <div className="flex min-w-0 items-center gap-4 whitespace-nowrap text-ink-2">
      <span className="hidden sm:inline">
        {running} running · {paused} paused
      </span>
      {status.maxRunning === null ? null : <LimitBar running={running} max={status.maxRunning} />}
      <Freshness upstreamName={nameOf(connections)} status={status} nowMs={initial.nowMs} />
    </div>
  );
}

/** The service, or the number of connections. */
function nameOf([first, ...others]: readonly ShownConnection[]): string {
  if (first === undefined) return 'No connection';
  if (others.length > 0) return `${others.length + 1} connections`;
  return first.title;
}

function LimitBar({ running, max }: { running: number; max: number }) {
  const share = max === 0 ? 1 : Math.min(1, running / max);
  return (
    <span
      className="hidden items-center gap-2 lg:flex"
      title={`${running} of your limit of ${max} running sandboxes`}
    >
      <span aria-hidden className="h-1.5 w-20 overflow-hidden rounded-full bg-line">
        <span
          className={`block h-full rounded-full ${share >= 0.9 ? 'bg-paused' : 'bg-running'}`}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      of {max}
    </span>
  );
}

/** Longer than the longest interval between two readings plus the duration of one. */
const STALE_AFTER_MS = 30_000;

/** Replaces the age while the page is cut off. A page that polls has fresh data. */
const LOST_WORDS = {
  connecting: null,
  open: null,
  waiting: 'reconnecting…',
  offline: 'offline',
  blocked: null,
} satisfies Record<LiveState, string | null>;

function Freshness({
  upstreamName,
  status,
  nowMs,
}: {
  upstreamName: string;
  status: FleetStatus;
  nowMs: number;
}) {
  const live = useLiveState();
  const { asOfMs } = status;
  const ago = useNow(
    (now) => (asOfMs === null ? null : formatDuration(Math.max(1_000, now - asOfMs))),
    nowMs,
  );
  // A service that hangs reports no error, so age counts too.
  const isOld = useNow((now) => asOfMs !== null && now - asOfMs > STALE_AFTER_MS, nowMs);
  const isStale = status.problem !== null || LOST_WORDS[live] !== null || isOld;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <span aria-hidden className={`size-2 shrink-0 rounded-full ${isStale ? 'bg-paused' : 'bg-running'}`} />
      <span className="truncate text-ink">{upstreamName}</span>
      <span className="hidden md:inline">
        {LOST_WORDS[live] ?? (ago === null ? 'loading…' : `as of ${ago} ago`)}
      </span>
    </span>
  );
}

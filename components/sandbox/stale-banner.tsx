'use client';

import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import { Strip } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import type { FleetStatus } from '@/lib/fleet/delta';
import type { LiveState } from '@/lib/live/socket';

type Props = { status: FleetStatus; live: LiveState; nowMs: number };

/** Warns that the fleet is out of date, since when and why, or that sandboxes are missing from it. */
export function StaleBanner({ status, live, nowMs }: Props) {
  const { asOfMs, problem, unreadable } = status;
  const age = useNow((now) => (asOfMs === null ? null : formatDuration(now - asOfMs)), nowMs);
  const reason =
    problem?.message ?? (live === 'waiting' ? 'The connection to Sandkeeper is lost. Reconnecting…' : null);
  if (reason === null && unreadable === 0) return null;
  return (
    <Strip>
      {reason === null ? (
        <>
          The list has {unreadable === 1 ? '1 row' : `${unreadable} rows`} without a usable id. A sandbox in
          such a row cannot be listed here.
        </>
      ) : (
        <>
          <Visible text={reason} />{' '}
          <span className="text-ink-2">
            {age === null ? 'Nothing has been read yet.' : `What you see is ${age} old.`}
          </span>
        </>
      )}
    </Strip>
  );
}

'use client';

import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import type { FleetStatus } from '@/lib/fleet/delta';
import type { LiveState } from '@/lib/live/socket';

type Props = { status: FleetStatus; live: LiveState; nowMs: number };

/** Says that the list is not current, why, and since when; or that something is missing from it. */
export function StaleBanner({ status, live, nowMs }: Props) {
  const { asOfMs, problem, unreadable } = status;
  const age = useNow((now) => (asOfMs === null ? null : formatDuration(now - asOfMs)), nowMs);
  const reason =
    problem?.message ?? (live === 'waiting' ? 'The connection to Sandkeeper is lost. Trying again.' : null);
  if (reason === null && unreadable === 0) return null;
  return (
    <div role="status" className="flex items-center gap-2 border-line border-b bg-paused-soft px-5 py-2">
      <span aria-hidden className="size-2 shrink-0 rounded-full bg-paused" />
      {reason === null ? (
        <span>
          {unreadable === 1 ? '1 sandbox' : `${unreadable} sandboxes`} came in a form this version does not
          understand and cannot be listed.
        </span>
      ) : (
        <span>
          {reason}{' '}
          <span className="text-ink-2">
            {age === null ? 'Nothing has been read yet.' : `What you see is ${age} old.`}
          </span>
        </span>
      )}
    </div>
  );
}

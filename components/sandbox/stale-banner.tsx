'use client';

import type { ReactNode } from 'react';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import { Strip } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import type { ShownConnection } from '@/lib/connection';
import type { FleetStatus } from '@/lib/fleet/delta';
import { MAX_READ_ONE_BY_ONE } from '@/lib/sandbox/limits';

type Props = {
  status: FleetStatus;
  nowMs: number;
  /** Named if there are others. */
  connection?: Pick<ShownConnection, 'title'> | null;
  /** What can be done about it. */
  actions?: ReactNode;
};

/**
 * Warns that a service cannot be read, since when and why, or that sandboxes may be missing from its list. The shell
 * warns of a lost connection to Sandkeeper itself.
 */
export function StaleBanner({ status, nowMs, connection = null, actions }: Props) {
  const { asOfMs, problem } = status;
  const age = useNow((now) => (asOfMs === null ? null : formatDuration(now - asOfMs)), nowMs);
  const reason = problem?.message ?? null;
  const gap = gapIn(status);
  if (reason === null && gap === null) return null;
  return (
    <Strip actions={actions}>
      {connection === null ? null : (
        <>
          <strong className="font-semibold">
            <Visible text={connection.title} />:
          </strong>{' '}
        </>
      )}
      {reason === null ? (
        gap
      ) : (
        <>
          <Visible text={reason} />{' '}
          <span className="text-ink-2">
            {age === null
              ? 'Nothing has been read yet.'
              : `What you see${connection === null ? '' : ' of it'} is ${age} old.`}
          </span>
        </>
      )}
    </Strip>
  );
}

/** Whether the banner has something to say. */
export function isWarned(status: FleetStatus): boolean {
  return status.problem !== null || gapIn(status) !== null;
}

/** Why the list may be incomplete although it is current. */
function gapIn({ isEndless, unreadable }: FleetStatus): string | null {
  if (isEndless)
    return `The list does not end. Sandkeeper stopped reading it, so sandboxes may be missing here and terminated ones may remain. Actions are limited to ${MAX_READ_ONE_BY_ONE} sandboxes at a time, which are checked one by one.`;
  if (unreadable === 0) return null;
  return unreadable === 1
    ? 'The list has 1 row without a usable ID. A sandbox in such a row cannot be shown here.'
    : `The list has ${unreadable} rows without a usable ID. Sandboxes in such rows cannot be shown here.`;
}

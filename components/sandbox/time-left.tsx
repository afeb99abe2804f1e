'use client';

import type { CSSProperties } from 'react';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';

const SOON_MS = 10 * 60_000;
const BAR_STEPS = 40;

type Props = { startedAtMs: number; deadlineMs: number | null; nowMs: number; withBar?: boolean };

/** The time until the deadline, updated every second. A dash if there is no deadline. */
export function TimeLeft({ startedAtMs, deadlineMs, nowMs, withBar }: Props) {
  // One subscription for all three values, because long tables have one of these in each row.
  const now = useNow((ms) => (deadlineMs === null ? null : derive(startedAtMs, deadlineMs, ms)), nowMs);
  if (now === null) return <span className="text-ink-3">–</span>;
  const [text, step, isSoon] = now.split('|');
  return (
    <>
      {text}
      {withBar ? (
        <span
          aria-hidden
          className={`bar ml-2 inline-block h-[3px] w-11 rounded-full align-middle ${isSoon ? 'text-paused' : 'text-ink-3'}`}
          style={{ '--full': `${(Number(step) / BAR_STEPS) * 100}%` } as CSSProperties}
        />
      ) : null}
    </>
  );
}

/** The text, the step of the bar and whether the deadline is near, as one comparable string. */
function derive(startedAtMs: number, deadlineMs: number, nowMs: number): string {
  const leftMs = deadlineMs - nowMs;
  const share = Math.min(1, Math.max(0, leftMs / Math.max(1, deadlineMs - startedAtMs)));
  return `${formatDuration(leftMs)}|${Math.round(share * BAR_STEPS)}|${leftMs < SOON_MS ? 'soon' : ''}`;
}

/** The time since `sinceMs`, updated every second. */
export function Age({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }) {
  return useNow((now) => formatDuration(now - sinceMs), nowMs);
}

'use client';

import type { CSSProperties } from 'react';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';

const SOON_MS = 10 * 60_000;
const BAR_STEPS = 40;

type Props = { startedAtMs: number; deadlineMs: number | null; nowMs: number; withBar?: boolean };

/** The time until the deadline, ticking by itself; a dash where there is no deadline. */
export function TimeLeft({ startedAtMs, deadlineMs, nowMs, withBar }: Props) {
  // One subscription for all three: there is one of these in every row of long tables.
  const now = useNow((ms) => (deadlineMs === null ? null : look(startedAtMs, deadlineMs, ms)), nowMs);
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

/** Text, step of the bar, and whether it is soon, as one comparable value. */
function look(startedAtMs: number, deadlineMs: number, nowMs: number): string {
  const leftMs = deadlineMs - nowMs;
  const share = Math.min(1, Math.max(0, leftMs / Math.max(1, deadlineMs - startedAtMs)));
  return `${formatDuration(leftMs)}|${Math.round(share * BAR_STEPS)}|${leftMs < SOON_MS ? 'soon' : ''}`;
}

/** The time since `sinceMs`, ticking by itself. */
export function Age({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }) {
  return useNow((now) => formatDuration(now - sinceMs), nowMs);
}

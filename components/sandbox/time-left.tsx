'use client';

import type { CSSProperties } from 'react';
import { useServiceNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';

const SOON_MS = 10 * 60_000;
const BAR_STEPS = 40;

type Props = {
  startedAtMs: number | null;
  deadlineMs: number | null;
  nowMs: number;
  withBar?: boolean;
};

/** The time until the deadline, updated every second. A dash if there is no deadline, or none is known. */
export function TimeLeft({ startedAtMs, deadlineMs, nowMs, withBar }: Props) {
  // One subscription for all three values, because long tables have one of these in each row.
  const now = useServiceNow(
    (ms) => (deadlineMs === null ? null : derive(startedAtMs, deadlineMs, ms)),
    nowMs,
  );
  if (now === null) return <Unknown />;
  const [text, step, isSoon] = now.split('|');
  return (
    <>
      <span translate="no">{text}</span>
      {withBar && startedAtMs !== null ? (
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
function derive(startedAtMs: number | null, deadlineMs: number, nowMs: number): string {
  const leftMs = deadlineMs - nowMs;
  const share = Math.min(1, Math.max(0, leftMs / Math.max(1, deadlineMs - (startedAtMs ?? nowMs))));
  return `${formatDuration(leftMs)}|${Math.round(share * BAR_STEPS)}|${leftMs < SOON_MS ? 'soon' : ''}`;
}

/** The time since `sinceMs`, updated every second. A dash if that is not known. */
export function Age({ sinceMs, nowMs }: { sinceMs: number | null; nowMs: number }) {
  const age = useServiceNow((now) => (sinceMs === null ? null : formatDuration(now - sinceMs)), nowMs);
  return age === null ? <Unknown /> : <span translate="no">{age}</span>;
}

/** Stands for a value that the service does not report. */
export function Unknown() {
  return <span className="text-ink-3">–</span>;
}

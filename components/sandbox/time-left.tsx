'use client';

import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';

const SOON_MS = 10 * 60_000;
const BAR_STEPS = 40;

type Props = { startedAtMs: number; deadlineMs: number | null; nowMs: number; withBar?: boolean };

/** The time until the deadline, ticking by itself; a dash where there is no deadline. */
export function TimeLeft({ startedAtMs, deadlineMs, nowMs, withBar }: Props) {
  const text = useNow((now) => (deadlineMs === null ? null : formatDuration(deadlineMs - now)), nowMs);
  const step = useNow((now) => {
    if (deadlineMs === null) return 0;
    const share = (deadlineMs - now) / Math.max(1, deadlineMs - startedAtMs);
    return Math.round(Math.min(1, Math.max(0, share)) * BAR_STEPS);
  }, nowMs);
  const isSoon = useNow((now) => deadlineMs !== null && deadlineMs - now < SOON_MS, nowMs);
  if (text === null) return <span className="text-ink-3">–</span>;
  return (
    <span className="inline-flex items-center justify-end gap-2">
      <span>{text}</span>
      {withBar ? (
        <span aria-hidden className="h-[3px] w-11 overflow-hidden rounded-full bg-line">
          <span
            className={`block h-full rounded-full ${isSoon ? 'bg-paused' : 'bg-ink-3'}`}
            style={{ width: `${(step / BAR_STEPS) * 100}%` }}
          />
        </span>
      ) : null}
    </span>
  );
}

/** The time since `sinceMs`, ticking by itself. */
export function Age({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }) {
  return <span>{useNow((now) => formatDuration(now - sinceMs), nowMs)}</span>;
}

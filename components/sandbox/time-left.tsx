'use client';

import type { CSSProperties } from 'react';
import { useNow, useServiceNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';

const SOON_MS = 10 * 60_000;
const BAR_STEPS = 40;

/** Times on Sandkeeper's clock, as in an indexed row. */
type Props = {
  startedAtMs: number | null;
  deadlineMs: number | null;
  nowMs: number;
  withBar?: boolean;
};

/** The time until the deadline, updated every second. A dash if there is no deadline, or none is known. */
export function TimeLeft({ startedAtMs, deadlineMs, nowMs, withBar }: Props) {
  // One subscription for all three values, because long tables have one of these in each row.
  const now = useNow((ms) => (deadlineMs === null ? null : derive(startedAtMs, deadlineMs, ms)), nowMs);
  return <DrawnTimeLeft now={now} withBar={withBar === true && startedAtMs !== null} />;
}

/** The time left of a sandbox as the service reports it. `nowMs` is on the service's clock. */
export function SandboxTimeLeft({ sandbox, nowMs }: { sandbox: Sandbox; nowMs: number }) {
  const { key, startedAtMs, endAtMs } = sandbox;
  const now = useServiceNow(
    connectionOf(key),
    (ms) => (endAtMs === null ? null : derive(startedAtMs, endAtMs, ms)),
    nowMs,
  );
  return <DrawnTimeLeft now={now} withBar={startedAtMs !== null} />;
}

function DrawnTimeLeft({ now, withBar }: { now: string | null; withBar: boolean }) {
  if (now === null) return <Unknown />;
  const [text, step, isSoon] = now.split('|');
  return (
    <>
      <span translate="no">{text}</span>
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
function derive(startedAtMs: number | null, deadlineMs: number, nowMs: number): string {
  const leftMs = deadlineMs - nowMs;
  const share = Math.min(1, Math.max(0, leftMs / Math.max(1, deadlineMs - (startedAtMs ?? nowMs))));
  return `${formatDuration(leftMs)}|${Math.round(share * BAR_STEPS)}|${leftMs < SOON_MS ? 'soon' : ''}`;
}

/** The time since `sinceMs` on Sandkeeper's clock, updated every second. A dash if that is not known. */
export function Age({ sinceMs, nowMs }: { sinceMs: number | null; nowMs: number }) {
  return <DrawnAge age={useNow((now) => ageAt(sinceMs, now), nowMs)} />;
}

type SandboxAgeProps = { sandbox: Sandbox; sinceMs: number | null; nowMs: number };

/** The time since a start that the service of `sandbox` reports. `nowMs` is on the service's clock, too. */
export function SandboxAge({ sandbox, sinceMs, nowMs }: SandboxAgeProps) {
  return <DrawnAge age={useServiceNow(connectionOf(sandbox.key), (now) => ageAt(sinceMs, now), nowMs)} />;
}

function ageAt(sinceMs: number | null, nowMs: number): string | null {
  return sinceMs === null ? null : formatDuration(nowMs - sinceMs);
}

function DrawnAge({ age }: { age: string | null }) {
  return age === null ? <Unknown /> : <span translate="no">{age}</span>;
}

/** Stands for a value that the service does not report. */
export function Unknown() {
  return <span className="text-ink-3">–</span>;
}

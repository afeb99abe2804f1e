'use client';

import { Button } from '@/components/ui/button';
import { useNow } from '@/components/ui/clock';
import { Field, Input } from '@/components/ui/field';
import { LocalTime } from '@/components/ui/local-time';
import { MAX_TIMEOUT_MS } from '@/lib/sandbox/limits';

const PRESETS_MIN = [5, 15, 30, 60];
const MIN_MS = 60_000;
const MAX_MIN = MAX_TIMEOUT_MS / MIN_MS;

/** The default, as text. */
export const USUAL_MINUTES = '15';

/** Parses minutes to ms. `null`: out of range. */
export function timeOfMinutes(minutes: string): number | null {
  const amount = /^\d{1,5}$/.test(minutes.trim()) ? Number(minutes) : Number.NaN;
  return amount >= 1 && amount <= MAX_MIN ? amount * MIN_MS : null;
}

export const WRONG_MINUTES = `Enter a whole number of minutes from 1 to ${MAX_MIN}.`;

type Props = { minutes: string; onChange: (minutes: string) => void };

export function MinutesField({ minutes, onChange }: Props) {
  const isTime = timeOfMinutes(minutes) !== null;
  return (
    <div className="flex flex-wrap items-end gap-2">
      <Field label="Minutes from now" error={isTime ? null : WRONG_MINUTES} className="w-40">
        <Input inputMode="numeric" value={minutes} onChange={(event) => onChange(event.target.value)} />
      </Field>
      {isTime
        ? PRESETS_MIN.map((preset) => (
            <Button
              key={preset}
              aria-pressed={Number(minutes) === preset}
              onClick={() => onChange(String(preset))}
              className="aria-pressed:border-accent"
            >
              {preset} min
            </Button>
          ))
        : null}
    </div>
  );
}

/** The deadline for a timeout that starts now. Updates with the clock. */
export function DeadlineIn({ timeoutMs }: { timeoutMs: number }) {
  const deadlineMs = useNow((nowMs) => nowMs + timeoutMs, timeoutMs);
  return <LocalTime ms={deadlineMs} className="text-ink" />;
}

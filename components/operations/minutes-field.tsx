'use client';

import type { ReactNode } from 'react';
import { z } from 'zod';
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

/** Parses typed minutes to ms. */
export const TypedMinutes = z.string().transform((text, context) => {
  const amount = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (amount >= 1 && amount <= MAX_MIN) return amount * MIN_MS;
  context.addIssue({ code: 'custom', message: `Enter a whole number of minutes from 1 to ${MAX_MIN}.` });
  return z.NEVER;
});

type Props = {
  label?: string;
  minutes: string;
  error: string | undefined;
  /** Whether the minutes are those of a preset, which is then pressed. */
  isSet?: boolean;
  onChange: (minutes: string) => void;
  /** A preset was chosen. Absent: `onChange`. */
  onPreset?: (minutes: string) => void;
  /** More presets. */
  children?: ReactNode;
};

export function MinutesField(props: Props) {
  const {
    label = 'Minutes from now',
    minutes,
    error,
    isSet = true,
    onChange,
    onPreset = onChange,
    children,
  } = props;
  return (
    <div className="flex flex-wrap items-end gap-2">
      <Field label={label} error={error} className="w-40">
        <Input inputMode="numeric" value={minutes} onChange={(event) => onChange(event.target.value)} />
      </Field>
      {error === undefined ? (
        <>
          {PRESETS_MIN.map((preset) => (
            <MinutesPreset
              key={preset}
              isPressed={isSet && Number(minutes) === preset}
              onPick={() => onPreset(String(preset))}
            >
              {preset} min
            </MinutesPreset>
          ))}
          {children}
        </>
      ) : null}
    </div>
  );
}

type PresetProps = { isPressed: boolean; onPick: () => void; children: ReactNode };

export function MinutesPreset({ isPressed, onPick, children }: PresetProps) {
  return (
    <Button aria-pressed={isPressed} onClick={onPick} className="aria-pressed:border-accent">
      {children}
    </Button>
  );
}

/** The deadline for a timeout that starts now. Updates with the clock. */
export function DeadlineIn({ timeoutMs }: { timeoutMs: number }) {
  const deadlineMs = useNow((nowMs) => nowMs + timeoutMs, timeoutMs);
  return <LocalTime ms={deadlineMs} className="text-ink" />;
}

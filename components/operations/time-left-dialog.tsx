'use client';

import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { LocalTime } from '@/components/ui/local-time';
import { MOST_TIMEOUT_MS } from '@/lib/sandbox/limits';
import type { Sandbox } from '@/lib/sandbox/schema';

const PRESETS_MIN = [5, 15, 30, 60];
const MIN_MS = 60_000;
const MOST_MIN = MOST_TIMEOUT_MS / MIN_MS;

type Props = {
  sandbox: Sandbox | null;
  onClose: () => void;
  onChoose: (sandbox: Sandbox, timeoutMs: number) => void;
};

/** Asks how long a sandbox may go on, and says the deadline this will set before it is set. */
export function TimeLeftDialog({ sandbox, onClose, onChoose }: Props) {
  const [shown, setShown] = useState(sandbox);
  if (sandbox !== null && sandbox !== shown) setShown(sandbox);
  const [minutes, setMinutes] = useState('15');
  const form = useId();
  if (shown === null) return null;
  const amount = Number(minutes);
  const isValid = minutes.trim() !== '' && Number.isInteger(amount) && amount >= 1 && amount <= MOST_MIN;
  const deadlineMs = Date.now() + amount * MIN_MS;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!isValid || sandbox === null) return;
    onChoose(sandbox, amount * MIN_MS);
    onClose();
  }

  return (
    <Dialog
      open={sandbox !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={
        <>
          Set time left of <span className="font-mono">{shown.id}</span>
        </>
      }
      description="Counted from now, whatever is left at the moment. It can become shorter."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} disabled={!isValid}>
            Set time left
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        <div className="flex items-end gap-2">
          <Field
            label="Minutes from now"
            error={isValid ? null : `A whole number of minutes from 1 to ${MOST_MIN}.`}
            className="w-40"
          >
            <Input inputMode="numeric" value={minutes} onChange={(event) => setMinutes(event.target.value)} />
          </Field>
          {isValid
            ? PRESETS_MIN.map((preset) => (
                <Button key={preset} onClick={() => setMinutes(String(preset))}>
                  {preset} min
                </Button>
              ))
            : null}
        </div>
        {isValid ? (
          <p className="text-ink-2">
            It will end or pause at <LocalTime ms={deadlineMs} className="text-ink" />. The service may grant
            less than that.
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}

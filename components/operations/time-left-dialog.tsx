'use client';

import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { describeSkipped, divideByState } from '@/lib/operations/plan/blast-radius';
import type { Sandbox } from '@/lib/sandbox/schema';
import { DeadlineIn, MinutesField, timeOfMinutes, USUAL_MINUTES, WRONG_MINUTES } from './minutes-field';
import { sandboxCount } from './outcome';

type Props = {
  /** `null`: closed. */
  sandboxes: readonly Sandbox[] | null;
  onClose: () => void;
  onChoose: (sandboxes: readonly Sandbox[], timeoutMs: number) => void;
};

/** Asks for the time left of sandboxes and shows the resulting deadline. */
export function TimeLeftDialog({ sandboxes, onClose, onChoose }: Props) {
  const shown = useLastAsked(sandboxes);
  const [minutes, setMinutes] = useState(USUAL_MINUTES);
  const form = useId();
  const [first] = shown ?? [];
  if (shown === null || first === undefined) return null;
  const timeoutMs = timeOfMinutes(minutes);
  const { able, skipped } = divideByState('setTimeout', shown);
  const isOne = shown.length === 1;
  const unavailable =
    timeoutMs === null ? WRONG_MINUTES : able.length === 0 ? 'None of these sandboxes is running.' : null;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (timeoutMs === null || sandboxes === null || unavailable !== null) return;
    onChoose(sandboxes, timeoutMs);
    onClose();
  }

  return (
    <Dialog
      open={sandboxes !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={
        isOne ? (
          <>
            Set time left of <span className="font-mono">{first.id}</span>
          </>
        ) : (
          `Set time left of ${sandboxCount(able.length)}`
        )
      }
      description="Counted from now. This can shorten the time that is left."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} unavailable={unavailable}>
            {isOne ? 'Set time left' : `Set time left of ${able.length}`}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        <MinutesField minutes={minutes} onChange={setMinutes} />
        {timeoutMs === null ? null : (
          <p className="text-ink-2">
            {isOne ? 'It' : 'Each'} will be paused or killed at <DeadlineIn timeoutMs={timeoutMs} />. The
            service may grant less time.
          </p>
        )}
        {isOne || skipped.length === 0 ? null : (
          <p className="text-ink-2">{describeSkipped('setTimeout', skipped)}.</p>
        )}
      </form>
    </Dialog>
  );
}

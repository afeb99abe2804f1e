'use client';

import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { useForm } from '@/components/ui/use-form';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { describeSkipped, divideByState } from '@/lib/operations/plan/blast-radius';
import type { Sandbox } from '@/lib/sandbox/schema';
import { DeadlineIn, MinutesField, TypedMinutes, USUAL_MINUTES } from './minutes-field';
import { sandboxCount } from './outcome';

const TimeLeftInput = z.object({ minutes: TypedMinutes });
const INITIAL = { minutes: USUAL_MINUTES };

type Props = {
  /** `null`: closed. */
  sandboxes: readonly Sandbox[] | null;
  onClose: () => void;
  onChoose: (sandboxes: readonly Sandbox[], timeoutMs: number) => void;
};

/** Asks for the time left of sandboxes and shows the resulting deadline. */
export function TimeLeftDialog({ sandboxes, onClose, onChoose }: Props) {
  const shown = useLastAsked(sandboxes);
  const { able, skipped } = divideByState('setTimeout', shown ?? []);
  const { values, change, errors, output, form, submit } = useForm({
    initial: INITIAL,
    schema: TimeLeftInput,
    unavailable: able.length === 0 ? 'None of these sandboxes is running.' : null,
    send: ({ minutes: timeoutMs }) => {
      if (sandboxes !== null) onChoose(sandboxes, timeoutMs);
      onClose();
      return null;
    },
  });
  const [first] = shown ?? [];
  if (shown === null || first === undefined) return null;
  const isOne = shown.length === 1;

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
          <Button tone="primary" {...submit}>
            {isOne ? 'Set time left' : `Set time left of ${able.length}`}
          </Button>
        </>
      }
    >
      <form {...form} className="flex flex-col gap-3">
        <MinutesField
          minutes={values.minutes}
          error={errors.minutes}
          onChange={(minutes) => change('minutes', minutes)}
        />
        {output === null ? null : (
          <p className="text-ink-2">
            {isOne ? 'It' : 'Each'} will be paused or killed at <DeadlineIn timeoutMs={output.minutes} />. The
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

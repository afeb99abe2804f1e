'use client';

import { useRef } from 'react';
import { z } from 'zod';
import { useAllLacking } from '@/components/data/use-fleet';
import { SandboxName, useConnectionSplit } from '@/components/sandbox/connection-name';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { useForm } from '@/components/ui/use-form';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { losingProcesses } from '@/lib/fleet/fleets';
import { describeSkipped, divideByState } from '@/lib/operations/plan/blast-radius';
import { resumesToKill } from '@/lib/operations/plan/time-left';
import type { Sandbox } from '@/lib/sandbox/schema';
import { DeadlineIn, MinutesField, TypedMinutes, USUAL_MINUTES } from './minutes-field';
import { sandboxCount } from './outcome';

export type ResumeParams = {
  timeoutMs: number;
  /** Absent: as the sandbox was created. */
  autoPause?: boolean;
};

type Ending = 'pause' | 'kill' | 'asCreated';

/** What the timeout does, safest first. */
const ENDINGS = {
  pause: {
    label: 'Pause',
    hint: 'Keeps files and processes.',
    will: 'be paused',
    params: { autoPause: true },
  },
  kill: {
    label: 'Kill',
    hint: 'Files and processes are lost.',
    will: 'be killed',
    params: { autoPause: false },
  },
  asCreated: {
    label: 'As set at creation',
    hint: 'The service does not report this setting.',
    will: 'be paused or killed',
    params: {},
  },
} satisfies Record<Ending, { label: string; hint: string; will: string; params: { autoPause?: boolean } }>;

const ENDING_NAMES = ['pause', 'kill', 'asCreated'] as const satisfies readonly Ending[];

const ResumeInput = z.object({ minutes: TypedMinutes, ending: z.enum(ENDING_NAMES) });
const INITIAL: z.input<typeof ResumeInput> = { minutes: USUAL_MINUTES, ending: 'pause' };

/** `keeping`: how many of `count` are at a service that keeps processes. */
function describeProcesses(isOne: boolean, keeping: number, count: number): string {
  const whose = isOne ? 'Its' : 'Their';
  if (keeping === count) return `${whose} processes continue where they were paused.`;
  if (keeping === 0)
    return `${whose} files are as they were. Processes do not continue, because the service does not keep them.`;
  return `The processes of ${keeping} continue where they were paused. The service of the other ${count - keeping} keeps files only.`;
}

/** What was chosen at the creation of these sandboxes, if the service says so. */
function createdHint(sandboxes: readonly Sandbox[]): string {
  const endings = new Set(sandboxes.map(({ lifecycle }) => lifecycle?.onTimeout));
  const [only] = endings;
  if (only === undefined || endings.size > 1) return ENDINGS.asCreated.hint;
  return only === 'pause' ? 'Pauses at its deadline.' : 'Killed at its deadline.';
}

type Props = {
  /** The sandboxes to resume; `null`: closed. */
  sandboxes: readonly Sandbox[] | null;
  onClose: () => void;
  onChoose: (sandboxes: readonly Sandbox[], params: ResumeParams) => void;
};

/** Asks how long sandboxes will run and what the timeout does. Enter accepts the safe defaults. */
export function ResumeDialog({ sandboxes, onClose, onChoose }: Props) {
  const shown = useLastAsked(sandboxes);
  const button = useRef<HTMLButtonElement>(null);
  const { able, skipped } = divideByState('resume', shown ?? []);
  const { values, change, errors, output, form, submit } = useForm({
    initial: INITIAL,
    schema: ResumeInput.refine(
      ({ minutes: timeoutMs, ending }) =>
        !able.some((sandbox) => resumesToKill(sandbox, { timeoutMs, ...ENDINGS[ending].params })),
      { path: ['minutes'], message: 'Choose at least 5 minutes, or pause when the time is up.' },
    ),
    unavailable: able.length === 0 ? 'None of these sandboxes is paused.' : null,
    send: ({ minutes: timeoutMs, ending }) => {
      if (sandboxes !== null) onChoose(sandboxes, { timeoutMs, ...ENDINGS[ending].params });
      onClose();
      return null;
    },
  });
  const split = useConnectionSplit(able);
  const lacking = useAllLacking();
  const keeping = able.length - losingProcesses(able, lacking).length;
  const [first] = shown ?? [];
  if (shown === null || first === undefined) return null;
  const isOne = shown.length === 1;

  return (
    <Dialog
      open={sandboxes !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={button}
      title={
        isOne ? (
          <>
            Resume sandbox <SandboxName sandboxKey={first.key} />
          </>
        ) : (
          `Resume ${sandboxCount(able.length)}${split === null ? '' : ` (${split})`}`
        )
      }
      description={describeProcesses(isOne, keeping, able.length)}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button ref={button} tone="primary" {...submit} className="focus:ring-2 focus:ring-accent/40">
            {isOne ? 'Resume' : `Resume ${sandboxCount(able.length)}`}
          </Button>
        </>
      }
    >
      <form {...form} className="flex flex-col gap-4">
        <MinutesField
          minutes={values.minutes}
          error={errors.minutes}
          onChange={(minutes) => change('minutes', minutes)}
        />
        <fieldset>
          <legend className="mb-1 font-medium">When the time is up</legend>
          <div className="flex flex-col gap-1.5">
            {ENDING_NAMES.map((name) => (
              <label key={name} className="flex items-baseline gap-2">
                <input
                  type="radio"
                  name={`${form.id}-ending`}
                  className="radio translate-y-0.5"
                  checked={values.ending === name}
                  onChange={() => change('ending', name)}
                />
                <span>
                  {ENDINGS[name].label}{' '}
                  <span className="text-ink-3">
                    {name === 'asCreated'
                      ? createdHint(shown)
                      : name === 'pause' && keeping < able.length
                        ? 'Keeps files.'
                        : ENDINGS[name].hint}
                  </span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        {output === null ? null : (
          <p className="text-ink-2">
            {isOne ? 'It' : 'Each'} will {ENDINGS[values.ending].will} at{' '}
            <DeadlineIn timeoutMs={output.minutes} />. The service may grant less time.
          </p>
        )}
        {isOne || skipped.length === 0 ? null : (
          <p className="text-ink-2">{describeSkipped('resume', skipped)}.</p>
        )}
      </form>
    </Dialog>
  );
}

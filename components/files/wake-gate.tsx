'use client';

import { useId } from 'react';
import { z } from 'zod';
import { useLacking } from '@/components/data/use-fleet';
import { TabNotice } from '@/components/sandbox-page/tab-notice';
import { useWake } from '@/components/sandbox-page/wake/use-wake';
import { ENDED_WORDS } from '@/components/sandbox-page/wake/wake-words';
import { Button } from '@/components/ui/button';
import { ErrorText } from '@/components/ui/field';
import { LocalTime } from '@/components/ui/local-time';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { Visible } from '@/components/ui/visible-text';
import { type Answer, answerOf } from '@/lib/answer';
import { type Role, roleSuffices } from '@/lib/roles';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';
import { startWake } from '@/lib/wake/actions';
import { WAKE_MINUTES, type WakeMinutes, type WakeResult, type WakeState } from '@/lib/wake/schema';

type Props = { sandbox: Sandbox; role: Role };

/** Shown instead of a paused sandbox's files: explains the effects of a wake and starts one. */
export function WakeGate({ sandbox, role }: Props) {
  const wake = useWake(sandbox.key);
  return (
    <TabNotice title="Wake the sandbox to read its files">
      <LastWake wake={wake} />
      <p className="mb-2">The files of a paused sandbox cannot be read. While it is awake:</p>
      <ul className="mb-4 flex list-disc flex-col gap-1 pl-4 marker:text-ink-3">
        <li>
          <strong className="font-medium text-ink">Its processes continue</strong>. They can change files, use
          the network and spend money.
        </li>
        <li>
          <strong className="font-medium text-ink">It counts toward your limit</strong> of running sandboxes.
        </li>
        {sandbox.lifecycle?.onTimeout === 'pause' ? null : (
          <li>
            <strong className="font-medium text-ink">Its timeout will pause it instead of killing it</strong>,
            permanently. The service cannot undo this.
          </li>
        )}
      </ul>
      <p className="mb-4">
        It pauses again when the time is up, when the last viewer leaves, or when somebody pauses it.
      </p>
      <WakeForm sandbox={sandbox} role={role} wake={wake} />
    </TabNotice>
  );
}

function LastWake({ wake }: { wake: WakeState | null }) {
  if (wake?.kind !== 'ended') return null;
  const { how, by, atMs, note } = wake;
  return (
    <p className="mt-2 mb-4 w-full rounded-md border border-line bg-surface px-3 py-2">
      {ENDED_WORDS[how](<Visible text={by ?? 'somebody'} />)}{' '}
      <span className="text-ink-3">
        <LocalTime ms={atMs} />
      </span>
      {note === null ? null : <span className="block">{note}</span>}
    </p>
  );
}

const WakeInput = z.object({ minutes: z.literal(WAKE_MINUTES) });
const USUAL_MINUTES: WakeMinutes = 15;

type FormProps = Props & { wake: WakeState | null };

function WakeForm({ sandbox, role, wake }: FormProps) {
  const name = useId();
  const lacking = useLacking(connectionOf(sandbox.key));
  const forbidden = roleSuffices(role, 'operator')
    ? (lacking.resume ?? lacking.resumeAutoPause ?? null)
    : `Requires the operator role. You are signed in as ${role}.`;
  const { values, change, refusal, isSending, form, submit } = useForm({
    initial: { minutes: USUAL_MINUTES },
    schema: WakeInput,
    unavailable: forbidden ?? progressText(wake, false),
    send: async ({ minutes }) => problemOf(await answerOf(startWake({ sandboxKey: sandbox.key, minutes }))),
  });
  const progress = progressText(wake, isSending);

  return (
    <form {...form} className="flex flex-col items-start gap-3">
      <fieldset className="flex items-center gap-2">
        <legend className="sr-only">Duration</legend>
        <span aria-hidden>For</span>
        <span className="inline-flex overflow-hidden rounded-md border border-line bg-surface has-focus-visible:ring-2 has-focus-visible:ring-accent/40">
          {WAKE_MINUTES.map((choice) => (
            <label
              key={choice}
              className="cursor-pointer border-line border-l px-3 py-1.5 leading-4 first:border-l-0 hover:bg-hover has-checked:bg-selected has-disabled:cursor-default has-checked:font-medium has-checked:text-accent has-disabled:opacity-60"
            >
              <input
                type="radio"
                name={name}
                value={choice}
                checked={values.minutes === choice}
                disabled={progress !== null || forbidden !== null}
                onChange={() => change('minutes', choice)}
                className="sr-only"
              />
              {choice} min
            </label>
          ))}
        </span>
        <Button tone="primary" {...submit} unavailable={forbidden} isBusy={progress !== null}>
          Wake sandbox
        </Button>
      </fieldset>
      {forbidden === null ? null : <p>{forbidden}</p>}
      <p role="status" className="empty:hidden">
        {progress}
      </p>
      {refusal === null ? null : <ErrorText>{refusal}</ErrorText>}
    </form>
  );
}

function progressText(wake: WakeState | null, isPending: boolean): string | null {
  if (wake?.kind === 'pausing') return 'Pausing…';
  if (wake?.kind === 'waking') {
    if (wake.problem !== null) return `Checking whether it is awake… ${wake.problem}`;
    return isPending ? 'Waking…' : `Waking for ${wake.by}…`;
  }
  return isPending ? 'Waking…' : null;
}

function problemOf(result: Answer<WakeResult> | null): string | null {
  if (result === null) return 'The server could not be reached. The sandbox may be awake. Try again.';
  if (!result.ok) return result.error.message;
  if (result.value === 'running')
    toast.message('The sandbox is already running', {
      description: 'Somebody else resumed it. Sandkeeper will neither pause it nor move its deadline.',
    });
  return null;
}

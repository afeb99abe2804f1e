'use client';

import { type SubmitEvent, useMemo, useState } from 'react';
import { z } from 'zod';
import { usePerson } from '@/components/data/use-person';
import { SandboxName, useConnectionSplit } from '@/components/sandbox/connection-name';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { onServiceClock, serverNow, useNow, useServiceNow } from '@/components/ui/clock';
import { Dialog } from '@/components/ui/dialog';
import { formatSpan } from '@/components/ui/duration';
import { Alert } from '@/components/ui/strip';
import { useForm } from '@/components/ui/use-form';
import type { Answer } from '@/lib/answer';
import { mayIn } from '@/lib/grants';
import { blastRadius, describeSkipped, divideByState } from '@/lib/operations/plan/blast-radius';
import { phraseFor } from '@/lib/operations/plan/plan';
import { endingOf, losesTime, timeGained } from '@/lib/operations/plan/time-left';
import type { ActParams, Operation, OperationPlan, Skipped } from '@/lib/operations/schema';
import { ROLE_FOR } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { Confirmation } from './confirmation';
import { DeadlineIn, MinutesField, MinutesPreset, TypedMinutes, USUAL_MINUTES } from './minutes-field';
import { sandboxCount } from './outcome';
import { PlanList } from './plan-list';
import { changeText, TimeChange } from './time-change';
import { usePlannedStart } from './use-planned-start';

/** Either the time left to set, or the time to add to it, ms. */
export type TimeChoice = { timeoutMs: number } | { addMs: number };

export type TimeLeftRequest = {
  sandboxes: readonly Sandbox[];
  /** The operation to retry. */
  retry: { id: string; params: ActParams } | null;
};

type Props = {
  /** `null`: closed. */
  request: TimeLeftRequest | null;
  onClose: () => void;
  /** Changes one sandbox at once. */
  onChoose: (sandboxes: readonly Sandbox[], choice: TimeChoice) => void;
  /** Plans a change in several sandboxes, and starts the plan. */
  plan: (sandboxKeys: SandboxKey[], choice: TimeChoice) => Promise<Answer<OperationPlan> | null>;
  start: (token: string, typed: string) => Promise<Answer<Operation> | null>;
  onStarted: (operation: Operation) => void;
};

/** Asks for the time left of sandboxes, and shows what each of them gains or loses. */
export function TimeLeftDialog({ request, ...props }: Props) {
  const [shown, setShown] = useState({ request, round: 0 });
  if (request !== null && request !== shown.request) setShown({ request, round: shown.round + 1 });
  if (shown.request === null) return null;
  return <OpenDialog key={shown.round} {...props} request={shown.request} isOpen={request !== null} />;
}

const TimeLeftInput = z
  .object({ mode: z.enum(['set', 'add']), minutes: TypedMinutes })
  .transform(
    ({ mode, minutes }): TimeChoice => (mode === 'add' ? { addMs: minutes } : { timeoutMs: minutes }),
  );
type Values = z.input<typeof TimeLeftInput>;

const ADDED_MIN = [15, 60];
const MIN_MS = 60_000;
const WORDS = { nothing: 'Nothing was changed.', failed: 'The time left was not changed' };

function initialOf({ retry }: TimeLeftRequest): Values {
  const { addMs, timeoutMs } = retry?.params ?? {};
  if (addMs !== undefined) return { mode: 'add', minutes: String(Math.round(addMs / MIN_MS)) };
  const minutes =
    timeoutMs === undefined ? USUAL_MINUTES : String(Math.max(1, Math.round(timeoutMs / MIN_MS)));
  return { mode: 'set', minutes };
}

type OpenProps = Omit<Props, 'request'> & { request: TimeLeftRequest; isOpen: boolean };

function OpenDialog({ request, isOpen, onClose, onChoose, plan, start, onStarted }: OpenProps) {
  const { sandboxes } = request;
  const isOne = sandboxes.length === 1;
  const [{ able, skipped }, setDivision] = useState<{
    able: readonly Sandbox[];
    skipped: readonly Skipped[];
  }>(() => divideByState('setTimeout', sandboxes));
  // What all of them share would fill the lines and tell nothing.
  const keys = useMemo(() => blastRadius(able, { keys: 0, values: 0 }).distinguishing, [able]);
  const [shortens, setShortens] = useState(false);
  const [typed, setTyped] = useState('');
  const [askedPhrase, setAskedPhrase] = useState<string | null>(null);
  const { grants } = usePerson();
  const form = useForm({
    initial: initialOf(request),
    schema: TimeLeftInput,
    unavailable: able.length === 0 ? 'None of these sandboxes is running.' : null,
    send: (choice) => {
      if (isOne && ending.size === 0) {
        onChoose(sandboxes, choice);
        onClose();
      } else planned.run();
      return null;
    },
  });
  const choice = form.output ?? { addMs: 0 };
  const losesAt = (sandbox: Sandbox, nowMs: number) =>
    losesTime(sandbox, choice, onServiceClock(connectionOf(sandbox.key), nowMs));
  const endsAt = (sandbox: Sandbox, nowMs: number) =>
    endingOf(sandbox, choice, onServiceClock(connectionOf(sandbox.key), nowMs)) === 'kill';
  const lossText = useNow(
    (nowMs) => able.flatMap((sandbox) => (losesAt(sandbox, nowMs) ? sandbox.key : [])).join(' '),
    0,
  );
  const losing = new Set<string>(lossText === '' ? [] : lossText.split(' '));
  const endText = useNow(
    (nowMs) => able.flatMap((sandbox) => (endsAt(sandbox, nowMs) ? sandbox.key : [])).join(' '),
    0,
  );
  const ends = new Set<string>(endText === '' ? [] : endText.split(' '));
  const mayKill = ({ key }: Sandbox) => mayIn(grants, ROLE_FOR.kill, connectionOf(key));
  // Time cannot be added to a deadline that the service does not report.
  const isKept = ({ key }: Sandbox) => !isOne && losing.has(key) && ('addMs' in choice || !shortens);
  const isLeftOut = (sandbox: Sandbox) => isKept(sandbox) || (ends.has(sandbox.key) && !mayKill(sandbox));
  const forbidden = able.filter((sandbox) => ends.has(sandbox.key) && !isKept(sandbox) && !mayKill(sandbox));
  const chosen = able.filter((sandbox) => !isLeftOut(sandbox));
  const ending = new Map(chosen.filter(({ key }) => ends.has(key)).map((sandbox) => [sandbox.key, sandbox]));
  const phrase = phraseFor('setTimeout', [...ending.values()], '') ?? (ending.size > 0 ? askedPhrase : null);
  const planned = usePlannedStart({
    isOpen,
    plan: () =>
      plan(
        chosen.map(({ key }) => key),
        choice,
      ),
    start: (token) => start(token, typed),
    onPlanned: (fresh) => {
      const before = new Set(chosen.map(({ key }) => key));
      const read = new Map(fresh.targets.map((sandbox) => [sandbox.key, sandbox]));
      const gone = new Set(fresh.skipped.map(({ sandboxKey }) => sandboxKey));
      setDivision({
        able: able.filter(({ key }) => !gone.has(key)).map((sandbox) => read.get(sandbox.key) ?? sandbox),
        skipped: [...skipped, ...fresh.skipped],
      });
      const plannedAtMs = serverNow();
      const shortened = fresh.targets.filter(
        (sandbox) => losesAt(sandbox, plannedAtMs) && !((isOne || shortens) && losing.has(sandbox.key)),
      ).length;
      if (shortened > 0)
        return `The sandboxes have changed: ${sandboxCount(shortened)} would lose time. Check the list and confirm again.`;
      if ((fresh.params.ends ?? 0) !== ending.size)
        return `The sandboxes have changed: ${sandboxCount(fresh.params.ends ?? 0)} would end within 5 minutes. Confirm again.`;
      if (fresh.targets.length === before.size) {
        setAskedPhrase(fresh.mustType);
        if (fresh.mustType === null || typed.trim() === fresh.mustType) return null;
        return isOne
          ? 'This sandbox is protected. To end it anyway, type its ID.'
          : `Type ${fresh.mustType} to confirm.`;
      }
      return fresh.targets.length === 0
        ? 'The sandboxes have changed: none of them has a deadline now.'
        : `The sandboxes have changed: ${fresh.targets.length} instead of ${before.size} would be changed. Confirm again.`;
    },
    onStarted,
    onClose,
    words: WORDS,
  });
  const split = useConnectionSplit(able);
  const [first] = sandboxes;
  if (first === undefined) return null;
  const { values, errors, output } = form;
  const nothing =
    able.length === 0 || chosen.length > 0
      ? phrase === null || typed.trim() === phrase
        ? null
        : 'Type the confirmation first.'
      : forbidden.length > 0
        ? needsAdmin(forbidden, isOne)
        : 'All of them have more time left.';
  const submit = (event: SubmitEvent) => {
    if (nothing === null) form.form.onSubmit(event);
    else event.preventDefault();
  };

  return (
    <Dialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      size={isOne ? 'md' : 'lg'}
      title={
        isOne ? (
          <>
            Set time left of <SandboxName sandboxKey={first.key} />
          </>
        ) : (
          `Set time left of ${sandboxCount(able.length)}${split === null ? '' : ` (${split})`}`
        )
      }
      description={
        values.mode === 'add'
          ? 'Added to the time that is left.'
          : 'Counted from now. This can shorten the time that is left.'
      }
      footer={
        <>
          {phrase === null ? null : (
            <Confirmation phrase={phrase} isLong={isOne} typed={typed} onType={setTyped} onSubmit={submit} />
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone={ending.size > 0 ? 'danger' : 'primary'}
            {...form.submit}
            unavailable={form.submit.unavailable ?? nothing}
            isBusy={planned.isStarting}
          >
            {labelOf(output, isOne ? null : chosen.length, ending.size)}
          </Button>
        </>
      }
    >
      <form id={form.form.id} onSubmit={submit} className="flex flex-col gap-3">
        <MinutesField
          label={values.mode === 'add' ? 'Minutes to add' : 'Minutes from now'}
          minutes={values.minutes}
          error={errors.minutes}
          isSet={values.mode === 'set'}
          onChange={(minutes) => {
            form.change('minutes', minutes);
          }}
          onPreset={(minutes) => {
            form.change('mode', 'set');
            form.change('minutes', minutes);
          }}
        >
          {ADDED_MIN.map((preset) => (
            <MinutesPreset
              key={preset}
              isPressed={values.mode === 'add' && Number(values.minutes) === preset}
              onPick={() => {
                form.change('mode', 'add');
                form.change('minutes', String(preset));
              }}
            >
              +{formatSpan(preset * MIN_MS)}
            </MinutesPreset>
          ))}
        </MinutesField>
        {isOne && output !== null && able.length > 0 ? <OneChange sandbox={first} choice={output} /> : null}
        {!isOne && losing.size > 0 && output !== null && 'timeoutMs' in output ? (
          <label className="flex items-center gap-2">
            <Checkbox checked={shortens} onChange={() => setShortens(!shortens)} />
            Also shorten the {sandboxCount(losing.size)} with more time left
          </label>
        ) : null}
        {isOne || able.length === 0 || output === null ? null : (
          <PlanList
            sandboxes={sortedByGain(able, output)}
            label="Changes of the time left"
            isNested
            keys={keys}
            renderEnd={(sandbox) => (
              <TimeChange sandbox={sandbox} params={output} isKept={isLeftOut(sandbox)} />
            )}
          />
        )}
        {isOne || output === null ? null : chosen.length === 0 ? (
          <p className="text-ink-2">Nothing changes: all of them have more time left than that.</p>
        ) : (
          <p className="text-ink-2">
            {'timeoutMs' in output ? (
              <>
                {shortens || losing.size === 0 ? 'Each' : `Each of the ${chosen.length} changed`} will be
                paused or killed at <DeadlineIn timeoutMs={output.timeoutMs} />.{' '}
              </>
            ) : null}
            The service may grant less time.
          </p>
        )}
        {ending.size === 0 ? null : <EndWarning count={ending.size} isOne={isOne} />}
        {forbidden.length === 0 ? null : <p className="text-ink-2">{needsAdmin(forbidden, isOne)}</p>}
        {isOne || skipped.length === 0 ? null : (
          <p className="text-ink-2">{describeSkipped('setTimeout', skipped)}.</p>
        )}
      </form>
      {planned.message === null ? null : <Alert>{planned.message}</Alert>}
    </Dialog>
  );
}

function labelOf(choice: TimeChoice | null, count: number | null, ending: number): string {
  if (ending > 0 && (count === null || count === ending))
    return count === null ? 'End sandbox' : `End ${sandboxCount(ending)}`;
  if (ending > 0) return `Set time left of ${count}, end ${ending}`;
  if (choice !== null && 'addMs' in choice)
    return count === null ? `Add ${formatSpan(choice.addMs)}` : `Add ${formatSpan(choice.addMs)} to ${count}`;
  return count === null ? 'Set time left' : `Set time left of ${count}`;
}

function needsAdmin(forbidden: readonly Sandbox[], isOne: boolean): string {
  const names = [...new Set(forbidden.map(({ key }) => connectionOf(key)))].join(', ');
  return isOne
    ? `It would end within 5 minutes, which requires the admin role on ${names}.`
    : `${sandboxCount(forbidden.length)} would end within 5 minutes, which requires the admin role on ${names}.`;
}

/** Says before the fact that the deadline comes so soon that it is a kill. */
function EndWarning({ count, isOne }: { count: number; isOne: boolean }) {
  return (
    <Alert>
      {isOne
        ? 'This ends the sandbox within 5 minutes: its deadline kills it. All processes end and the file system is deleted. This cannot be undone.'
        : `This ends ${sandboxCount(count)} within 5 minutes: their deadline kills them. All their processes end and their file systems are deleted. This cannot be undone.`}
    </Alert>
  );
}

/** Those that lose most first. */
function sortedByGain(sandboxes: readonly Sandbox[], choice: TimeChoice): Sandbox[] {
  // Which time it is changes no order.
  const gainOf = (sandbox: Sandbox) => timeGained(sandbox, choice, 0) ?? Number.NEGATIVE_INFINITY;
  return [...sandboxes].sort((one, other) => gainOf(one) - gainOf(other) || 0);
}

function OneChange({ sandbox, choice }: { sandbox: Sandbox; choice: TimeChoice }) {
  const endAtMs = sandbox.endAtMs ?? 0;
  const connection = connectionOf(sandbox.key);
  const change = useServiceNow(
    connection,
    (nowMs) => changeText(timeGained(sandbox, choice, nowMs)),
    endAtMs,
  );
  const isLoss = useServiceNow(connection, (nowMs) => losesTime(sandbox, choice, nowMs), endAtMs);
  const endsInMs = useServiceNow(
    connection,
    (nowMs) => ('addMs' in choice ? Math.max(0, endAtMs - nowMs) + choice.addMs : choice.timeoutMs),
    endAtMs,
  );
  if (sandbox.endAtMs === null)
    return <p className="text-ink-2">The service does not report its deadline, so it may lose time.</p>;
  return (
    <p className="text-ink-2">
      {change === 'same' ? 'It keeps the time that is left' : null}
      {change === 'same' ? null : (
        <strong className="font-semibold text-ink">
          It {isLoss ? 'loses' : 'gains'} {change.slice(1)}
        </strong>
      )}{' '}
      and will be paused or killed at <DeadlineIn timeoutMs={endsInMs} />. The service may grant less time.
    </p>
  );
}

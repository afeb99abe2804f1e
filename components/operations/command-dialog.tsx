'use client';

import { type FormEvent, useId, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import { MAX_CWD_CHARS, USUAL_LIMIT_MS } from '@/lib/commands/schema';
import { planRun, startRun } from '@/lib/operations/actions';
import { describeSkipped, divideByState } from '@/lib/operations/plan/blast-radius';
import {
  type ActParams,
  MAX_FILTER_CHARS,
  MAX_REASON_CHARS,
  type Operation,
  type Skipped,
} from '@/lib/operations/schema';
import type { Sandbox } from '@/lib/sandbox/schema';
import { CommandInput, limitOptions } from './command-input';
import { sandboxCount } from './outcome';
import { PlanList } from './plan-list';

export type CommandRequest = {
  sandboxes: readonly Sandbox[];
  /** The operation to retry where its command was never sent. */
  retry: { id: string; params: ActParams } | null;
};

type Props = {
  /** `null`: closed. */
  request: CommandRequest | null;
  /** The filter on screen, for the record. */
  filter: string;
  onClose: () => void;
  onStarted: (operation: Operation) => void;
};

/** Asks for a command and shows in which sandboxes it will run and which are skipped. */
export function CommandDialog({ request, ...props }: Props) {
  const [shown, setShown] = useState({ request, round: 0 });
  if (request !== null && request !== shown.request) setShown({ request, round: shown.round + 1 });
  if (shown.request === null) return null;
  return <OpenDialog key={shown.round} {...props} request={shown.request} isOpen={request !== null} />;
}

type Division = { targets: readonly Sandbox[]; skipped: readonly Skipped[] };

function OpenDialog({
  request,
  isOpen,
  filter,
  onClose,
  onStarted,
}: Props & { request: CommandRequest; isOpen: boolean }) {
  const { sandboxes, retry } = request;
  const form = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [command, setCommand] = useState(retry?.params.command ?? '');
  const [cwd, setCwd] = useState(retry?.params.cwd ?? '');
  const [limitMs, setLimitMs] = useState(retry?.params.limitMs ?? USUAL_LIMIT_MS);
  const [reason, setReason] = useState('');
  const [division, setDivision] = useState<Division>(() => divide(sandboxes));
  const [message, setMessage] = useState<string | null>(null);
  const [isStarting, setIsStarting] = useState(false);
  const { targets, skipped } = division;
  const count = targets.length;
  const unavailable =
    count === 0
      ? 'None of these sandboxes can run a command.'
      : command.trim() === ''
        ? 'Enter a command.'
        : null;
  const canStart = unavailable === null && !isStarting;

  async function start() {
    setIsStarting(true);
    setMessage(null);
    const plan = await answerOf(
      planRun({
        sandboxIds: sandboxes.map(({ id }) => id),
        command,
        limitMs,
        ...(cwd.trim() === '' ? {} : { cwd: cwd.trim() }),
        ...(retry === null ? {} : { retryOf: retry.id }),
      }),
    );
    if (!plan?.ok) return fail(plan?.error.message ?? 'The server could not be reached.', 'Nothing was run.');
    const isAsShown = areSame(plan.value.targets, targets);
    setDivision(plan.value);
    if (!isAsShown)
      return fail(
        plan.value.targets.length === 0
          ? 'The sandboxes have changed: none of them can run it now.'
          : `The sandboxes have changed: it will now run in ${plan.value.targets.length} instead of ${count}. Confirm again.`,
        'Nothing was run.',
      );
    const started = await answerOf(
      startRun({
        token: plan.value.token,
        reason,
        filter: filter.slice(0, MAX_FILTER_CHARS),
      }),
    );
    setIsStarting(false);
    if (started?.ok) {
      onClose();
      onStarted(started.value);
      return;
    }
    fail(
      started?.error.message ??
        'The server could not be reached. Check the operations before you try again: it may have started.',
      '',
    );
  }

  function fail(problem: string, consequence: string) {
    setIsStarting(false);
    const text = `${problem} ${consequence}`.trim();
    if (isOpen) setMessage(text);
    else toast.error('The command was not run', { description: text });
  }

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (canStart) void start();
  }

  return (
    <Dialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={field}
      size="lg"
      title={`Run a command in ${sandboxCount(count)}`}
      description="It runs separately in each sandbox, as the sandbox's default user. Its effects cannot be undone."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} unavailable={unavailable} isBusy={isStarting}>
            {isStarting ? 'Starting…' : `Run in ${sandboxCount(count)}`}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        <CommandInput field={field} value={command} onChange={setCommand} onSubmit={submit} typed={[]} />
        <div className="flex flex-wrap items-end gap-3">
          <Field label="Working directory" className="min-w-40 flex-1">
            <Input
              value={cwd}
              placeholder="Default"
              maxLength={MAX_CWD_CHARS}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => setCwd(event.target.value)}
              className="w-full font-mono text-small"
            />
          </Field>
          <Select
            label="Time limit"
            isPlain
            value={String(limitMs)}
            options={limitOptions(limitMs)}
            onChange={(value) => setLimitMs(Number(value))}
          />
        </div>
        <Field label="Reason" hint="Optional. Saved in the audit log.">
          <Input
            value={reason}
            maxLength={MAX_REASON_CHARS}
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
      </form>
      <div className="flex flex-col gap-2">
        <p>
          <strong className="font-semibold">{sandboxCount(count)}</strong> will run it
          {skipped.length === 0 ? '.' : `; ${describeSkipped('run', skipped)}.`}
        </p>
        {count === 0 ? null : (
          <PlanList sandboxes={targets} label="Sandboxes that will run it" keys={keysOf(targets)} />
        )}
      </div>
      {message === null ? null : <Alert>{message}</Alert>}
    </Dialog>
  );
}

function divide(sandboxes: readonly Sandbox[]): Division {
  const { able, skipped } = divideByState('run', sandboxes);
  return { targets: able, skipped };
}

function areSame(some: readonly Sandbox[], others: readonly Sandbox[]): boolean {
  const ids = new Set(others.map(({ id }) => id));
  return some.length === others.length && some.every(({ id }) => ids.has(id));
}

function keysOf(sandboxes: readonly Sandbox[]): string[] {
  return [...new Set(sandboxes.slice(0, 20).flatMap(({ metadata }) => Object.keys(metadata)))];
}

'use client';

import { type KeyboardEvent, useId, useMemo, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { isOnMac, Kbd } from '@/components/ui/kbd';
import { Select } from '@/components/ui/select';
import { Alert } from '@/components/ui/strip';
import { useKept } from '@/components/ui/use-kept';
import type { Answer } from '@/lib/answer';
import { MAX_CWD_CHARS, USUAL_LIMIT_MS } from '@/lib/commands/schema';
import { unlessComposing } from '@/lib/key-events';
import { blastRadius, divideByState } from '@/lib/operations/plan/blast-radius';
import {
  type ActParams,
  MAX_REASON_CHARS,
  type Operation,
  type OperationPlan,
  type Skipped,
} from '@/lib/operations/schema';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { CommandInput, limitOptions } from './command-input';
import { keptFor } from './kept-for';
import { sandboxCount } from './outcome';
import { PlanList } from './plan-list';
import { PlanRadius } from './plan-radius';
import { usePlannedStart } from './use-planned-start';

export type CommandRequest = {
  sandboxes: readonly Sandbox[];
  /** The operation to retry where its command was never sent. */
  retry: { id: string; params: ActParams } | null;
};

export type CommandChoice = { command: string; limitMs: number; cwd?: string };

type Props = {
  /** `null`: closed. */
  request: CommandRequest | null;
  onClose: () => void;
  /** Plans the command in these sandboxes, and starts the plan. */
  plan: (sandboxKeys: SandboxKey[], choice: CommandChoice) => Promise<Answer<OperationPlan> | null>;
  start: (token: string, reason: string) => Promise<Answer<Operation> | null>;
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
type OpenProps = Omit<Props, 'request'> & { request: CommandRequest; isOpen: boolean };

const LIMITS = { keys: 3, values: 4 };
const WORDS = { nothing: 'Nothing was run.', failed: 'The command was not run' };

function OpenDialog({ request, isOpen, onClose, plan, start, onStarted }: OpenProps) {
  const { sandboxes, retry } = request;
  const hint = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [{ command, cwd, limitMs, reason }, setDraft, settle] = useKept(
    isOpen ? keptFor(`command ${retry?.id ?? ''}`, sandboxes) : null,
    {
      command: retry?.params.command ?? '',
      cwd: retry?.params.cwd ?? '',
      limitMs: retry?.params.limitMs ?? USUAL_LIMIT_MS,
      reason: '',
    },
  );
  const change = (changes: { command?: string; cwd?: string; limitMs?: number; reason?: string }) =>
    setDraft((before) => ({ ...before, ...changes }));
  const [division, setDivision] = useState<Division>(() => divide(sandboxes));
  const { targets, skipped } = division;
  const count = targets.length;
  const radius = useMemo(() => blastRadius(targets, LIMITS), [targets]);
  const planned = usePlannedStart({
    isOpen,
    plan: () =>
      plan(
        sandboxes.map(({ key }) => key),
        { command, limitMs, ...(cwd.trim() === '' ? {} : { cwd: cwd.trim() }) },
      ),
    start: (token) => start(token, reason),
    onPlanned: (fresh) => {
      setDivision(fresh);
      if (areSame(fresh.targets, targets)) return null;
      return fresh.targets.length === 0
        ? 'The sandboxes have changed: none of them can run it now.'
        : `The sandboxes have changed: it will now run in ${fresh.targets.length} instead of ${count}. Confirm again.`;
    },
    onStarted: (operation) => {
      settle();
      onStarted(operation);
    },
    onClose,
    words: WORDS,
  });
  const unavailable =
    count === 0
      ? 'None of these sandboxes can run a command.'
      : command.trim() === ''
        ? 'Enter a command.'
        : null;

  function submit() {
    if (unavailable === null) planned.run();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Enter' || event.ctrlKey === event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    submit();
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
          <p id={hint} className="mr-auto text-ink-3 text-small pointer-coarse:hidden">
            <Chord /> to run
          </p>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            unavailable={unavailable}
            isBusy={planned.isStarting}
            onClick={submit}
            aria-keyshortcuts="Control+Enter Meta+Enter"
          >
            {planned.isStarting ? 'Starting…' : `Run in ${sandboxCount(count)}`}
          </Button>
        </>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the shortcut works in every field of the group. */}
      <div onKeyDown={unlessComposing(onKeyDown)} className="flex flex-col gap-3">
        <CommandInput
          field={field}
          value={command}
          onChange={(text) => change({ command: text })}
          submitKey="chord"
          onSubmit={submit}
          typed={[]}
          describedBy={hint}
        />
        <div className="flex flex-wrap items-end gap-3">
          <Field label="Working directory" className="min-w-40 flex-1">
            <Input
              value={cwd}
              placeholder="Default"
              maxLength={MAX_CWD_CHARS}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => change({ cwd: event.target.value })}
              className="w-full font-mono text-small"
            />
          </Field>
          <Select
            label="Time limit"
            isPlain
            value={String(limitMs)}
            options={limitOptions(limitMs)}
            onChange={(value) => change({ limitMs: Number(value) })}
          />
        </div>
        <Field label="Reason" hint="Optional. Saved in the audit log.">
          <Input
            value={reason}
            maxLength={MAX_REASON_CHARS}
            onChange={(event) => change({ reason: event.target.value })}
          />
        </Field>
      </div>
      <PlanRadius act="run" radius={radius} verdict="will run it" skipped={skipped} />
      {count === 0 ? null : (
        <PlanList sandboxes={targets} label="Sandboxes that will run it" keys={radius.distinguishing} />
      )}
      {count > 1 ? (
        <p className="text-ink-2">A countdown follows, in which you can cancel before anything is run.</p>
      ) : null}
      {planned.message === null ? null : <Alert>{planned.message}</Alert>}
    </Dialog>
  );
}

/** The keys that run a command in several sandboxes. Rendered in the browser only. */
function Chord() {
  return (
    <>
      <Kbd>{isOnMac() ? '⌘' : 'Ctrl'}</Kbd> <Kbd>Enter</Kbd>
    </>
  );
}

function divide(sandboxes: readonly Sandbox[]): Division {
  const { able, skipped } = divideByState('run', sandboxes);
  return { targets: able, skipped };
}

function areSame(some: readonly Sandbox[], others: readonly Sandbox[]): boolean {
  const keys = new Set(others.map(({ key }) => key));
  return some.length === others.length && some.every(({ key }) => keys.has(key));
}

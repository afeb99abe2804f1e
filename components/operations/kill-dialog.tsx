'use client';

import { clsx } from 'clsx';
import { type FormEvent, type ReactNode, useId, useMemo, useRef, useState } from 'react';
import { MetadataChips } from '@/components/sandbox/metadata-chips';
import { StateBadge } from '@/components/sandbox/state-badge';
import { Age } from '@/components/sandbox/time-left';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Input } from '@/components/ui/field';
import { Alert } from '@/components/ui/strip';
import { type BlastRadius, blastRadius, describeSkipped } from '@/lib/operations/plan/blast-radius';
import { MAX_FILTER_CHARS, type Operation, type OperationPlan } from '@/lib/operations/schema';
import { sandboxCan } from '@/lib/sandbox/can';
import { templateName } from '@/lib/sandbox/name';
import type { Sandbox } from '@/lib/sandbox/schema';
import { CopyAsCode } from './copy-as-code';
import { KillOptions } from './kill-options';
import { sandboxCount } from './outcome';
import { PlanList } from './plan-list';
import { PlanRadius } from './plan-radius';
import { useKillOptions } from './use-kill-options';
import { type KillPhase, type KillPlan, useKillPlan } from './use-kill-plan';

/** A input to kill these; the set is what it is from the moment of asking. */
export type KillRequest = {
  sandboxes: readonly Sandbox[];
  /** How long to wait for processes to end, ms; `null`: not at all. */
  graceMs: number | null;
  /** What to save first, as `parseArchivePath` writes it; `null`: nothing. */
  exportPath: string | null;
  retryOf: string | null;
};

type Props = {
  /** Whom to kill; `null` while nobody is asking. */
  request: KillRequest | null;
  /** The filter on screen, for the record. */
  filter: string;
  onClose: () => void;
  onPauseInstead: (sandboxes: Sandbox[]) => void;
  onStarted: (operation: Operation) => void;
};

/** Asks before a kill of one or many. What it shows has just been read, and exactly that is what the button starts. */
export function KillDialog({ request, ...rest }: Props) {
  // The last one stays drawn while the dialog fades out. What was learnt or typed for it is of no other.
  const [shown, setShown] = useState({ request, opening: 0 });
  if (request !== null && request !== shown.request) setShown({ request, opening: shown.opening + 1 });
  if (shown.request === null) return null;
  return <Asking key={shown.opening} request={shown.request} isOpen={request !== null} {...rest} />;
}

const LOSS = {
  one: 'All running processes end, the filesystem is deleted, connections close, the id becomes invalid. This cannot be undone.',
  many: 'Their processes end, their files are deleted, their ids become invalid. This cannot be undone.',
} as const;
const LIMITS = { keys: 3, values: 4 };

type AskingProps = Omit<Props, 'request'> & { request: KillRequest; isOpen: boolean };

function Asking({ request, isOpen, filter, onClose, onPauseInstead, onStarted }: AskingProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  const options = useKillOptions(request);
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const sandboxIds = useMemo(() => request.sandboxes.map(({ id }) => id), [request]);
  const { graceMs, exportPath } = options;
  const { retryOf } = request;
  const kill = useKillPlan({ sandboxIds, graceMs, exportPath, retryOf, isOpen, onStarted, onClose });
  const { plan, phase, message } = kill;
  const [first] = request.sandboxes;
  const targets = plan?.targets ?? request.sandboxes;
  const radius = useMemo(() => blastRadius(targets, LIMITS), [targets]);
  if (first === undefined) return null;

  const isOne = sandboxIds.length === 1;
  const isOver = phase === 'nothing' || (phase === 'failed' && !kill.canLookAgain);
  // An option that has just been changed is not yet part of the plan.
  const isReady =
    phase === 'ready' &&
    (plan?.params.graceMs ?? null) === graceMs &&
    (plan?.params.exportPath ?? null) === exportPath;
  const isTyped = plan?.mustType === null || typed.trim() === plan?.mustType;
  const noun = isOne ? 'sandbox' : sandboxCount(radius.count);
  const start = () => {
    // It is there for the record and must not stand in the way of a kill.
    if (isReady && isTyped) kill.start({ typed, reason, filter: filter.slice(0, MAX_FILTER_CHARS) });
  };

  return (
    <ConfirmDialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={cancel}
      size={isOne ? 'md' : 'lg'}
      title={
        isOne ? (
          <>
            Kill sandbox <span className="font-mono">{first.id}</span>
          </>
        ) : (
          `Kill ${noun}`
        )
      }
      description={isOne ? LOSS.one : LOSS.many}
      footer={
        <>
          {plan !== null && plan.mustType !== null && !isOver ? (
            <Confirmation
              phrase={plan.mustType}
              isLong={isOne}
              typed={typed}
              onType={setTyped}
              onSubmit={start}
            />
          ) : null}
          <Button ref={cancel} onClick={onClose} className="focus:ring-2 focus:ring-accent/40">
            {isOver || phase === 'starting' ? 'Close' : 'Cancel'}
          </Button>
          {isOver ? null : (
            <MainButton
              phase={phase}
              unavailable={isReady && !isTyped ? 'Type the confirmation first.' : null}
              isBusy={!isReady}
              onStart={start}
              onLook={kill.lookAgain}
            >
              Kill {noun}
            </MainButton>
          )}
        </>
      }
    >
      {isOne ? <Facts sandbox={targets[0] ?? plan?.skipped[0]?.sandbox ?? first} /> : null}
      {isOne ? null : <Many radius={radius} targets={targets} plan={plan} />}
      {isOne && plan?.mustType != null ? (
        <p className="text-ink-2">It is protected. To kill it nevertheless, type its id.</p>
      ) : null}
      <Message text={sayWhatStands(kill, isOne) ?? message} />
      {isOver ? null : (
        <KillOptions
          options={options}
          reason={reason}
          onReason={setReason}
          isLocked={phase === 'starting'}
          windowMs={plan?.cancelWindowMs ?? null}
          cannotArchive={plan === null ? undefined : plan.cannotArchive}
          targets={targets}
        >
          <PauseInstead
            targets={targets}
            isOne={isOne}
            isOffered={phase !== 'starting'}
            onPause={(able) => {
              onPauseInstead(able);
              onClose();
            }}
          />
          <CopyAsCode
            act="kill"
            params={{
              ...(graceMs == null ? {} : { graceMs }),
              ...(exportPath == null ? {} : { exportPath }),
            }}
            ids={targets.map(({ id }) => id)}
            tone="quiet"
            className="-mr-3 h-6!"
          />
        </KillOptions>
      )}
    </ConfirmDialog>
  );
}

/** What keeps the kill from being started, where that is no failure. */
function sayWhatStands({ plan, phase }: KillPlan, isOne: boolean): string | null {
  if (phase === 'expired')
    return 'This was read five minutes ago and may have changed. Look again before you kill. Nothing was killed.';
  if (phase !== 'nothing' || plan === null) return null;
  const [first] = plan.skipped;
  if (!isOne) return `There is nothing to kill. ${describeSkipped('kill', plan.skipped) ?? ''}.`;
  return first?.kind === 'gone'
    ? 'This sandbox is already terminated. There is nothing left to kill.'
    : `${first?.reason ?? ''} Nothing was killed.`;
}

const WAITING = {
  checking: 'Checking…',
  ready: null,
  starting: 'Starting…',
  expired: null,
  nothing: null,
  failed: null,
} satisfies Record<KillPhase, string | null>;

type MainButtonProps = {
  phase: KillPhase;
  unavailable: string | null;
  isBusy: boolean;
  onStart: () => void;
  onLook: () => void;
  children: ReactNode;
};

function MainButton({ phase, unavailable, isBusy, onStart, onLook, children }: MainButtonProps) {
  if (phase === 'expired' || phase === 'failed') return <Button onClick={onLook}>Look again</Button>;
  return (
    <Button tone="danger" unavailable={unavailable} isBusy={isBusy} onClick={onStart}>
      {WAITING[phase] ?? children}
    </Button>
  );
}

function Message({ text }: { text: string | null }) {
  if (text === null) return null;
  return <Alert>{text}</Alert>;
}

function Many({
  radius,
  targets,
  plan,
}: {
  radius: BlastRadius;
  targets: readonly Sandbox[];
  plan: OperationPlan | null;
}) {
  return (
    <>
      <PlanRadius
        act="kill"
        radius={radius}
        verdict={plan === null ? 'asked for' : 'will be killed'}
        skipped={plan?.skipped ?? null}
      />
      {targets.length === 0 ? null : (
        <PlanList sandboxes={targets} label="Who will be killed" keys={radius.distinguishing} />
      )}
    </>
  );
}

function Facts({ sandbox }: { sandbox: Sandbox }) {
  const keys = Object.keys(sandbox.metadata).length;
  return (
    <dl className="grid grid-cols-[88px_1fr] gap-y-2 rounded-md border border-line px-4 py-3 [&>dt]:text-ink-3">
      <dt>State</dt>
      <dd>
        <StateBadge state={sandbox.state} />
      </dd>
      <dt>Template</dt>
      <dd className="truncate">
        <bdi>{templateName(sandbox)}</bdi>
      </dd>
      <dt>Age</dt>
      <dd>
        <Age sinceMs={sandbox.startedAtMs} nowMs={sandbox.startedAtMs} />
      </dd>
      <dt>Metadata</dt>
      <dd className="flex max-h-40 flex-wrap gap-1.5 overflow-y-auto pt-px">
        {keys === 0 ? (
          <span className="text-ink-3">none</span>
        ) : (
          <MetadataChips metadata={sandbox.metadata} />
        )}
      </dd>
    </dl>
  );
}

type PauseInsteadProps = {
  targets: readonly Sandbox[];
  isOne: boolean;
  isOffered: boolean;
  onPause: (sandboxes: Sandbox[]) => void;
};

function PauseInstead({ targets, isOne, isOffered, onPause }: PauseInsteadProps) {
  const able = targets.filter(({ state }) => sandboxCan(state, 'pause'));
  if (able.length === 0 || !isOffered) return null;
  return (
    <Button tone="quiet" className="-mr-3 h-6!" onClick={() => onPause(able)}>
      {isOne ? 'Pause instead' : `Pause ${able.length} instead`}
    </Button>
  );
}

type ConfirmationProps = {
  phrase: string;
  /** Whether it needs a line of its own. */
  isLong: boolean;
  typed: string;
  onType: (typed: string) => void;
  onSubmit: () => void;
};

/** Typed once, in words that say what and how many. Enter starts it too, if that is what was typed. */
function Confirmation({ phrase, isLong, typed, onType, onSubmit }: ConfirmationProps) {
  const id = useId();
  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit();
  }
  return (
    <form
      onSubmit={submit}
      className={clsx(
        'mr-auto flex basis-full items-center gap-2',
        !isLong && 'sm:min-w-56 sm:flex-1 sm:basis-0',
      )}
    >
      <label htmlFor={id} className="shrink-0 text-ink-2">
        Type <span className="font-mono text-ink text-small">{phrase}</span>
      </label>
      <Input
        id={id}
        value={typed}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        onChange={(event) => onType(event.target.value)}
        className={clsx('w-full font-mono text-small', !isLong && 'sm:max-w-56')}
      />
    </form>
  );
}

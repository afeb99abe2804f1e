'use client';

import { type ReactNode, useMemo, useRef, useState } from 'react';
import { useAllLacking } from '@/components/data/use-fleet';
import { SandboxName } from '@/components/sandbox/connection-name';
import { MetadataChips } from '@/components/sandbox/metadata-chips';
import { StateBadge } from '@/components/sandbox/state-badge';
import { SandboxAge } from '@/components/sandbox/time-left';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Alert } from '@/components/ui/strip';
import { useKept } from '@/components/ui/use-kept';
import { Visible } from '@/components/ui/visible-text';
import { lackingOf } from '@/lib/fleet/fleets';
import { blastRadius, describeSkipped } from '@/lib/operations/plan/blast-radius';
import { MAX_FILTER_CHARS, type Operation } from '@/lib/operations/schema';
import { sandboxCan } from '@/lib/sandbox/can';
import { serviceCannot } from '@/lib/sandbox/capabilities';
import { firstStartOf, templateName } from '@/lib/sandbox/name';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';
import { Confirmation } from './confirmation';
import { CopyAsCode } from './copy-as-code';
import { keptFor } from './kept-for';
import { KillOptions, KillReason } from './kill-options';
import { sandboxCount } from './outcome';
import { PlanList } from './plan-list';
import { PlanRadius } from './plan-radius';
import { useKillOptions } from './use-kill-options';
import { type KillPhase, type KillPlan, useKillPlan } from './use-kill-plan';

export type KillRequest = {
  sandboxes: readonly Sandbox[];
  /** How long to wait for processes to end, ms. `null`: kill at once. */
  graceMs: number | null;
  /** The path to archive first, as `parseArchivePath` writes it. `null`: none. */
  exportPath: string | null;
  retryOf: string | null;
};

type Props = {
  /** `null`: closed. */
  request: KillRequest | null;
  /** The filter on screen, for the record. */
  filter: string;
  onClose: () => void;
  onPauseInstead: (sandboxes: Sandbox[]) => void;
  onStarted: (operation: Operation) => void;
};

/** Confirms a kill. It shows a fresh reading, and the button starts exactly what is shown. */
export function KillDialog({ request, ...rest }: Props) {
  // Keeps the last request while the dialog fades out. The key resets the state for each request.
  const [shown, setShown] = useState({ request, opening: 0 });
  if (request !== null && request !== shown.request) setShown({ request, opening: shown.opening + 1 });
  if (shown.request === null) return null;
  return <OpenDialog key={shown.opening} request={shown.request} isOpen={request !== null} {...rest} />;
}

const LOSS = {
  one: 'All processes end, the file system is deleted and the ID becomes invalid. This cannot be undone.',
  many: 'All their processes end, their file systems are deleted and their IDs become invalid. This cannot be undone.',
} as const;
const LIMITS = { keys: 3, values: 4 };

type OpenProps = Omit<Props, 'request'> & { request: KillRequest; isOpen: boolean };

function OpenDialog({ request, isOpen, filter, onClose, onPauseInstead, onStarted }: OpenProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  const options = useKillOptions(request);
  const [typed, setTyped] = useState('');
  const [reason, setReason, settleReason] = useKept(
    isOpen ? keptFor('reason to kill', request.sandboxes) : null,
    '',
  );
  const sandboxKeys = useMemo(() => request.sandboxes.map(({ key }) => key), [request]);
  const { graceMs, exportPath } = options;
  const { retryOf } = request;
  const kill = useKillPlan({ sandboxKeys, graceMs, exportPath, retryOf, isOpen, onStarted, onClose });
  const { plan, phase, message } = kill;
  const [first] = request.sandboxes;
  const targets = plan?.targets ?? request.sandboxes;
  const radius = useMemo(() => blastRadius(targets, LIMITS), [targets]);
  if (first === undefined) return null;

  const isOne = sandboxKeys.length === 1;
  const isOver = phase === 'nothing' || (phase === 'failed' && !kill.canRecheck);
  // A changed option is not part of the plan until it is planned again.
  const isReady =
    phase === 'ready' &&
    (plan?.params.graceMs ?? null) === graceMs &&
    (plan?.params.exportPath ?? null) === exportPath;
  const isTyped = plan?.mustType === null || typed.trim() === plan?.mustType;
  const noun = isOne ? 'sandbox' : sandboxCount(radius.count);
  const start = () => {
    // The filter is only recorded, so one that is too long is cut instead of rejected.
    if (!isReady || !isTyped) return;
    settleReason();
    kill.start({ typed, reason, filter: filter.slice(0, MAX_FILTER_CHARS) });
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
            Kill sandbox <SandboxName sandboxKey={first.key} />
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
              onRecheck={kill.recheck}
            >
              Kill {noun}
            </MainButton>
          )}
        </>
      }
    >
      {isOne ? <Facts sandbox={targets[0] ?? plan?.skipped[0]?.sandbox ?? first} /> : null}
      {isOne ? null : (
        <PlanRadius
          act="kill"
          radius={radius}
          verdict={plan === null ? 'selected' : 'will be killed'}
          skipped={plan?.skipped ?? null}
        />
      )}
      {isOne && plan?.mustType != null ? (
        <p className="text-ink-2">This sandbox is protected. To kill it anyway, type its ID.</p>
      ) : null}
      <Message text={describeObstacle(kill, isOne) ?? message} />
      {isOver ? null : (
        <KillReason
          reason={reason}
          onReason={setReason}
          isLocked={phase === 'starting'}
          windowMs={plan?.cancelWindowMs ?? null}
        />
      )}
      {isOne || targets.length === 0 ? null : (
        <PlanList sandboxes={targets} label="Sandboxes to kill" keys={radius.distinguishing} />
      )}
      {isOver ? null : (
        <KillOptions
          options={options}
          isLocked={phase === 'starting'}
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
            keys={targets.map(({ key }) => key)}
            tone="quiet"
            className="-mx-3 h-6!"
          />
        </KillOptions>
      )}
    </ConfirmDialog>
  );
}

/** Why the kill cannot be started, if it is not an error. */
function describeObstacle({ plan, phase }: KillPlan, isOne: boolean): string | null {
  if (phase === 'expired')
    return 'The sandboxes were checked five minutes ago and may have changed. Check again before you kill. Nothing was killed.';
  if (phase !== 'nothing' || plan === null) return null;
  const [first] = plan.skipped;
  if (!isOne) return `There is nothing to kill. ${describeSkipped('kill', plan.skipped) ?? ''}.`;
  return first?.kind === 'gone'
    ? 'This sandbox is already terminated.'
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
  onRecheck: () => void;
  children: ReactNode;
};

function MainButton({ phase, unavailable, isBusy, onStart, onRecheck, children }: MainButtonProps) {
  if (phase === 'expired' || phase === 'failed') return <Button onClick={onRecheck}>Check again</Button>;
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
        <Visible text={templateName(sandbox)} />
      </dd>
      <dt>Age</dt>
      <dd>
        <SandboxAge sandbox={sandbox} sinceMs={firstStartOf(sandbox)} nowMs={firstStartOf(sandbox) ?? 0} />
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
  const lacking = useAllLacking();
  const pausable = targets.filter(({ state }) => sandboxCan(state, 'pause'));
  const lacks = ({ key }: Sandbox) => serviceCannot(lackingOf(connectionOf(key), lacking), 'pause');
  const able = pausable.filter((sandbox) => lacks(sandbox) === null);
  const [first] = pausable;
  if (first === undefined || !isOffered) return null;
  return (
    <Button
      tone="quiet"
      className="-mx-3 h-6!"
      unavailable={able.length === 0 ? lacks(first) : null}
      onClick={() => onPause(able)}
    >
      {isOne || able.length === 0 ? 'Pause instead' : `Pause ${able.length} instead`}
    </Button>
  );
}

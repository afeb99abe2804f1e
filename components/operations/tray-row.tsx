'use client';

import { clsx } from 'clsx';
import { X } from 'lucide-react';
import Link from 'next/link';
import type { CSSProperties } from 'react';
import { useSharedLacking } from '@/components/data/use-fleet';
import { useRoleInAll } from '@/components/data/use-person';
import { useSplitText } from '@/components/sandbox/connection-name';
import { roleForbids } from '@/components/sandbox/sandbox-acts';
import { Button } from '@/components/ui/button';
import { toast } from '@/components/ui/toast';
import { Visible } from '@/components/ui/visible-text';
import { answerOf } from '@/lib/answer';
import { cancelOperation } from '@/lib/operations/actions';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import { isRetried, type Operation, OUTCOMES, totalsOf } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import { type Role, roleSuffices } from '@/lib/roles';
import { serviceCannot } from '@/lib/sandbox/capabilities';
import { OutcomeBar, OutcomeCounts, operationTitle, underWayTitle } from './outcome';
import { OperationRate } from './rate';
import type { Phase } from './tray-entries';
import { trayMemory } from './tray-memory';
import type { Acts } from './use-acts';

type Props = {
  view: OperationView;
  phase: Phase;
  nowMs: number;
  isOwn: boolean;
  isStopping: boolean;
  onRetry: Acts['onRetry'];
};

export function TrayRow({ view, phase, nowMs, isOwn, isStopping, onRetry }: Props) {
  const { operation } = view;
  const role = useRoleInAll(operation.connections);
  const { act, counts } = operation;
  const split = useSplitText(view.split);
  const startsInMs = operation.startsAtMs - operationProgress().clock.at(nowMs);
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-5 gap-y-1 border-line-soft border-b px-5 py-[5px] last:border-b-0 lg:grid-cols-[264px_208px_minmax(0,1fr)_auto]">
      <p className="truncate">
        <span className="font-semibold">{titleOf(operation, phase, startsInMs)}</span>
        {split === null ? null : (
          <span translate="no" title={split} className="text-ink-2">
            {' '}
            {split}
          </span>
        )}
        {isOwn ? null : (
          <span className="text-ink-3">
            {' '}
            by <Visible text={operation.actor} />
          </span>
        )}
      </p>
      {/* In a narrow window, the counts alone say how it ended. */}
      <div
        className={clsx(
          'order-1 col-span-2 lg:order-none lg:col-span-1',
          phase === 'ended' && 'max-lg:hidden',
        )}
      >
        {phase === 'window' ? (
          <Countdown share={startsInMs / Math.max(1, operation.startsAtMs - operation.createdAtMs)} />
        ) : (
          <OutcomeBar act={act} counts={counts} />
        )}
      </div>
      <div className="order-2 col-span-2 min-w-0 lg:order-none lg:col-span-1">
        {phase === 'window' ? (
          <p className="text-ink-2">No requests have been sent.</p>
        ) : counts.cancelled === totalsOf(counts).total ? (
          <p className="text-ink-2">Cancelled before any request was sent.</p>
        ) : (
          <OutcomeCounts act={act} counts={counts}>
            <OperationRate view={view} nowMs={nowMs} />
          </OutcomeCounts>
        )}
      </div>
      <div className="flex items-center gap-2">
        {phase === 'ended' ? <RetryButton operation={operation} role={role} onRetry={onRetry} /> : null}
        <Link
          href={paths.operation(operation.id)}
          aria-label={`Details of ${operationTitle(act, counts)}`}
          className="rounded-sm px-1 font-medium text-accent hover:underline"
        >
          Details
        </Link>
        {phase === 'ended' ? (
          <DismissButton operation={operation} />
        ) : (
          <StopButton operation={operation} phase={phase} isStopping={isStopping} role={role} />
        )}
      </div>
    </li>
  );
}

function titleOf({ act, counts }: Operation, phase: Phase, startsInMs: number): string {
  if (phase === 'ended') return operationTitle(act, counts);
  const doing = underWayTitle(act, counts);
  return phase === 'window' ? `${doing} in ${Math.max(1, Math.ceil(startsInMs / 1_000))} s` : doing;
}

function Countdown({ share }: { share: number }) {
  const full = `${Math.min(1, Math.max(0, share)) * 100}%`;
  return (
    <span
      aria-hidden
      className="bar block h-2 rounded-full text-accent"
      style={{ '--full': full } as CSSProperties}
    />
  );
}

type StopProps = { operation: Operation; phase: Phase; isStopping: boolean; role: Role };

function StopButton({ operation, phase, isStopping, role }: StopProps) {
  const title = operationTitle(operation.act, operation.counts);
  if (isStopping || phase === 'stopping') {
    return <TrayButton isBusy label="Stopping…" reason={null} about={title} onClick={() => {}} />;
  }
  const reason = roleSuffices(role, 'operator') ? null : 'Requires the operator role.';
  return (
    <TrayButton
      label={phase === 'window' ? 'Cancel' : 'Stop the rest'}
      reason={reason}
      about={title}
      onClick={() => void stop(operation.id, title)}
    />
  );
}

type TrayButtonProps = {
  label: string;
  isBusy?: boolean;
  reason: string | null;
  /** The operation, for screen readers. */
  about: string;
  onClick: () => void;
};

function TrayButton({ label, isBusy = false, reason, about, onClick }: TrayButtonProps) {
  return (
    <Button
      aria-label={`${label}: ${about}`}
      unavailable={reason}
      isBusy={isBusy}
      className="min-w-26"
      onClick={onClick}
    >
      {label}
    </Button>
  );
}

/** The button says "Stopping…" until the server reports the end. */
async function stop(operationId: string, title: string): Promise<void> {
  trayMemory().setStopping(operationId, true);
  const result = await answerOf(cancelOperation({ operationId }));
  if (result?.ok) return;
  trayMemory().setStopping(operationId, false);
  toast.error(`Could not stop: ${title}`, {
    description: result?.error.message ?? 'The server could not be reached.',
  });
}

type RetryProps = Pick<Props, 'onRetry'> & { operation: Operation; role: Role };

function RetryButton({ operation, role, onRetry }: RetryProps) {
  const { act, counts } = operation;
  const count = OUTCOMES.reduce((sum, outcome) => sum + (isRetried(outcome) ? counts[outcome] : 0), 0);
  const lacking = useSharedLacking();
  if (count === 0) return null;
  const reason = roleForbids(role, act) ?? serviceCannot(lacking, act);
  return (
    <TrayButton
      label={`Retry ${count}${act === 'kill' ? '…' : ''}`}
      reason={reason}
      about={operationTitle(act, counts)}
      onClick={() => void retry(operation, onRetry)}
    />
  );
}

async function retry(operation: Operation, onRetry: Acts['onRetry']): Promise<void> {
  const record = await operationProgress()
    .recordOf(operation.id)
    .catch(() => null);
  const failed = record?.items.filter(({ outcome }) => isRetried(outcome)) ?? [];
  if (failed.length > 0)
    onRetry(
      operation,
      failed.map(({ sandbox }) => sandbox),
    );
  else
    toast.error('Could not load the failed sandboxes', {
      description: 'Nothing was started. Try again from the page of the operation.',
    });
}

function DismissButton({ operation }: { operation: Operation }) {
  const label = `Dismiss: ${operationTitle(operation.act, operation.counts)}`;
  return (
    <button
      type="button"
      aria-label={label}
      title="Dismiss"
      onClick={({ currentTarget }) => {
        focusNext(currentTarget);
        trayMemory().dismiss(operation.id);
      }}
      className="flex size-8 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
    >
      <X size={16} aria-hidden />
    </button>
  );
}

/** Moves focus to a neighbouring row before the focused one is removed. */
function focusNext(button: HTMLElement): void {
  const line = button.closest('li');
  const next = line?.nextElementSibling ?? line?.previousElementSibling;
  next?.querySelector<HTMLElement>('button:last-of-type, a')?.focus();
}

'use client';

import { useMemo, useState } from 'react';
import { CommandResults } from '@/components/commands/command-results';
import { CommandText } from '@/components/commands/command-text';
import { CommandViewChoice, useCommandView } from '@/components/commands/command-view';
import { useUrlState } from '@/components/data/use-url-state';
import { ArchiveLocation, archiveForbidden } from '@/components/operations/archive-summary';
import { OutcomeBar, OutcomeCounts } from '@/components/operations/outcome';
import { useActs } from '@/components/operations/use-acts';
import { sharedKeys } from '@/components/sandbox/fit-chips';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { fromJson, type JsonOf } from '@/lib/json-of';
import { mayRetry, OUTCOMES, type Outcome, type RecordedItem, totalsOf } from '@/lib/operations/schema';
import type { Role } from '@/lib/roles';
import type { SandboxKey } from '@/lib/sandbox-key';
import { ItemTable } from './item-table';
import { OperationActions } from './operation-actions';
import { OperationHeading, Relations } from './operation-heading';
import { OperationStatus } from './operation-status';
import { type InitialOperation, useOperation } from './use-operation';
import { useSteadyItems } from './use-steady-items';

type Props = { first: JsonOf<InitialOperation>; role: Role; nowMs: number };

/** One operation: its request, progress, and the outcome of each sandbox. */
export function OperationPage({ first, role, nowMs }: Props) {
  const now = useOperation(useMemo(() => fromJson(first), [first]));
  const { operation, items } = now;
  const { act, counts } = operation;
  const [shown, setShown] = useShownOutcome();
  const [isHeld, setIsHeld] = useState(false);
  const [selectedKeys, setSelectedKeys] = useState<ReadonlySet<SandboxKey>>(new Set());
  const rows = useSteadyItems(items, shown, isHeld);
  const shared = useSharedKeys(items);
  const failed = useMemo(() => items.filter(({ outcome }) => mayRetry(act, outcome)), [items, act]);
  const selected = useMemo(
    () => failed.filter(({ sandboxKey }) => selectedKeys.has(sandboxKey)),
    [failed, selectedKeys],
  );
  const { onRetry, dialogs } = useActs(operation.filter);
  const [view, setView] = useCommandView(act, role);
  const showsResults = view === 'results';
  const isSingle = totalsOf(counts).total === 1;

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-col gap-2 border-line border-b px-5 pt-3.5 pb-2.5">
        <div className="flex flex-wrap items-start gap-x-6 gap-y-2">
          <OperationHeading
            operation={operation}
            sandboxKey={isSingle ? (items[0]?.sandboxKey ?? null) : null}
            items={items}
          />
          <OperationActions
            now={now}
            role={role}
            failed={failed}
            selected={selected}
            nowMs={nowMs}
            onRetry={(sandboxes) => onRetry(operation, sandboxes)}
          />
        </div>
        <Relations retryOf={operation.retryOf} retries={now.retries} />
        {items.some(({ saved }) => saved) ? <ArchiveLocation operationId={operation.id} /> : null}
        {act === 'run' ? (
          <CommandText params={operation.params} isHidden={operation.hidesCommand === true} />
        ) : null}
        <OutcomeBar act={act} counts={counts} className="mt-1" />
        <div className="flex flex-wrap items-center gap-x-5">
          <OutcomeCounts act={act} counts={counts} picking={{ picked: shown, onPick: setShown }} />
          <OperationStatus operation={operation} view={now.view} nowMs={nowMs} />
          {now.hasReadError ? (
            <p role="status" className="text-ink-2">
              Could not load all sandboxes. Retrying…
            </p>
          ) : null}
          {view === null ? null : <CommandViewChoice view={view} onChoose={setView} />}
        </div>
      </div>
      {showsResults ? (
        <PanelBoundary what="results">
          <CommandResults operation={operation} />
        </PanelBoundary>
      ) : (
        <PanelBoundary what="list of sandboxes">
          <ItemTable
            act={act}
            items={rows}
            sharedKeys={shared}
            isReading={!now.isWhole}
            failed={failed}
            selected={selectedKeys}
            onSelect={setSelectedKeys}
            onHold={setIsHeld}
            onShowAll={shown === null ? null : () => setShown(null)}
            archiveReason={archiveForbidden(role)}
          />
        </PanelBoundary>
      )}
      {dialogs}
    </main>
  );
}

/** The metadata does not change while an operation runs, so the set stays the same and rows are not drawn again. */
function useSharedKeys(items: readonly RecordedItem[]): ReadonlySet<string> {
  const names = JSON.stringify([...sharedKeys(items.map(({ sandbox }) => sandbox.metadata))]);
  return useMemo(() => new Set<string>(JSON.parse(names)), [names]);
}

/** The outcome filter, stored in the URL. */
function useShownOutcome(): [Outcome | null, (outcome: Outcome | null) => void] {
  const [text, setText] = useUrlState('show');
  return [OUTCOMES.find((outcome) => outcome === text) ?? null, setText];
}

'use client';

import { useQueryState } from 'nuqs';
import { useMemo, useState } from 'react';
import { CommandResults } from '@/components/commands/command-results';
import { CommandText } from '@/components/commands/command-text';
import { CommandViewChoice, useCommandView } from '@/components/commands/command-view';
import { ArchiveLocation } from '@/components/operations/archive-summary';
import { OutcomeBar, OutcomeCounts } from '@/components/operations/outcome';
import { useActs } from '@/components/operations/use-acts';
import type { Role } from '@/lib/access/roles';
import { mayRetry, OUTCOMES, type Outcome, totalsOf } from '@/lib/operations/schema';
import { ItemTable } from './item-table';
import { OperationActs } from './operation-acts';
import { OperationHeading, Relations } from './operation-heading';
import { OperationStatus } from './operation-status';
import { type FirstLook, useOperation } from './use-operation';
import { useSteadyItems } from './use-steady-items';

type Props = { first: FirstLook; role: Role; nowMs: number };

/** One operation: what was asked, how far it is, and what is true about each of its sandboxes. */
export function OperationPage({ first, role, nowMs }: Props) {
  const now = useOperation(first);
  const { operation, items } = now;
  const { act, counts } = operation;
  const [shown, setShown] = useShownOutcome();
  const [isHeld, setIsHeld] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = useSteadyItems(items, shown, isHeld);
  const failed = useMemo(() => items.filter(({ outcome }) => mayRetry(act, outcome)), [items, act]);
  const picked = useMemo(() => failed.filter(({ sandboxId }) => chosen.has(sandboxId)), [failed, chosen]);
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
            sandboxId={isSingle ? (items[0]?.sandboxId ?? null) : null}
          />
          <OperationActs
            now={now}
            role={role}
            failed={failed}
            picked={picked}
            nowMs={nowMs}
            onRetry={(sandboxes) => onRetry(operation, sandboxes)}
          />
        </div>
        <Relations retryOf={operation.retryOf} retries={now.retries} />
        {items.some(({ saved }) => saved) ? <ArchiveLocation operationId={operation.id} /> : null}
        {act === 'run' ? <CommandText params={operation.params} /> : null}
        <OutcomeBar act={act} counts={counts} className="mt-1" />
        <div className="flex flex-wrap gap-x-5">
          <OutcomeCounts act={act} counts={counts} picking={{ picked: shown, onPick: setShown }} />
          <OperationStatus operation={operation} view={now.view} nowMs={nowMs} />
          {now.isTroubled ? (
            <p role="status" className="text-ink-2">
              The rest could not be read. Trying again.
            </p>
          ) : null}
          {view === null ? null : <CommandViewChoice view={view} onChoose={setView} />}
        </div>
      </div>
      {showsResults ? (
        <CommandResults operation={operation} />
      ) : (
        <ItemTable
          act={act}
          items={rows}
          isReading={!now.isWhole}
          failed={failed}
          chosen={chosen}
          onChoose={setChosen}
          onHold={setIsHeld}
          onShowAll={shown === null ? null : () => setShown(null)}
        />
      )}
      {dialogs}
    </main>
  );
}

/** The outcome that is looked at, as it stands in the address. */
function useShownOutcome(): [Outcome | null, (outcome: Outcome | null) => void] {
  const [text, setText] = useQueryState('show');
  return [OUTCOMES.find((outcome) => outcome === text) ?? null, (outcome) => void setText(outcome)];
}

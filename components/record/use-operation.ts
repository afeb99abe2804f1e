'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import { useOperations } from '@/components/data/use-operations';
import {
  type OperationRecord,
  type OperationView,
  operationProgress,
} from '@/lib/operations/record/progress';
import {
  countOutcomes,
  type Operation,
  OUTCOMES,
  type RecordedItem,
  totalsOf,
} from '@/lib/operations/schema';

const RETRY_MS = 3_000;

/** The server-rendered start: an operation with its first screen of items. */
export type InitialOperation = {
  operation: Operation;
  items: RecordedItem[];
  /** Oldest first. */
  retries: Operation[];
};

export type OperationNow = {
  operation: Operation;
  /** In plan order. */
  items: readonly RecordedItem[];
  isWhole: boolean;
  /** The last read failed. It is retried. */
  hasReadError: boolean;
  retries: readonly Operation[];
  /** Live state, if this tab has received any. */
  view: OperationView | undefined;
  reread: () => void;
};

type Reading = OperationRecord & { atMs: number };

/** An operation as recorded, with the live updates of this tab. */
export function useOperation(first: InitialOperation): OperationNow {
  const { id } = first.operation;
  const views = useOperations();
  const view = views.find(({ operation }) => operation.id === id);
  const [reading, setReading] = useState<Reading | null>(null);
  const [wanted, setWanted] = useState(0);
  const [hasReadError, setHasReadError] = useState(false);
  const recorded = reading ?? first;
  const live = isNewer(view, reading) ? view : undefined;
  const operation = live?.operation ?? recorded.operation;
  const items = useMemo(() => withUpdates(recorded.items, live), [recorded, live]);
  const { total } = totalsOf(operation.counts);
  const isWhole = items.length >= total;
  // The final event may contain only counts.
  const isMissing = !isWhole || (operation.state === 'finished' && !areSame(items, operation));

  // Reads from the server until the record is complete.
  useEffect(() => {
    if (!isMissing && wanted === 0) return;
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout>;
    const read = async () => {
      const record = await operationProgress()
        .recordOf(id)
        .catch(() => null);
      if (!isCurrent) return;
      if (record) setReading({ ...record, atMs: Date.now() });
      setHasReadError(record === null);
      if (record === null || isMissing) timer = setTimeout(read, RETRY_MS);
    };
    void read();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [id, isMissing, wanted]);

  const retries = useMemo(() => withNewRetries(first, views), [first, views]);
  const reread = useCallback(() => setWanted((before) => before + 1), []);
  return { operation, items, isWhole, hasReadError, retries, view, reread };
}

/** Whether an event has arrived since the last read. */
function isNewer(view: OperationView | undefined, reading: Reading | null): boolean {
  if (view === undefined) return false;
  if (reading === null || reading.operation.state === 'running') return true;
  return (view.samples.at(-1)?.atMs ?? 0) > reading.atMs;
}

/** Unchanged items keep their identity, so that their rows do not render again. */
function withUpdates(
  items: readonly RecordedItem[],
  view: OperationView | undefined,
): readonly RecordedItem[] {
  if (view === undefined || view.items.size === 0) return items;
  return items.map((item) => {
    const update = view.items.get(item.sandboxKey);
    if (
      !update ||
      (update.outcome === item.outcome && update.message === item.message && update.tookMs === item.tookMs)
    )
      return item;
    return { ...item, ...update };
  });
}

function areSame(items: readonly RecordedItem[], { counts }: Operation): boolean {
  const counted = countOutcomes(items);
  return OUTCOMES.every((outcome) => counted[outcome] === counts[outcome]);
}

function withNewRetries(
  { operation, retries }: InitialOperation,
  views: readonly OperationView[],
): Operation[] {
  const live = new Map(
    views
      .filter((view) => view.operation.retryOf === operation.id)
      .map((view) => [view.operation.id, view.operation]),
  );
  const known = retries.map((retry) => live.get(retry.id) ?? retry);
  const ids = new Set(retries.map(({ id }) => id));
  const added = [...live.values()].filter(({ id }) => !ids.has(id));
  return [...known, ...added.sort((one, other) => one.createdAtMs - other.createdAtMs)];
}

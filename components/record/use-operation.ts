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

const TRY_AGAIN_MS = 3_000;

/** What the page is served with: the first screenful of a long operation. */
export type FirstLook = {
  operation: Operation;
  items: RecordedItem[];
  /** Operations that took up its failures again, oldest first. */
  retries: Operation[];
};

export type OperationNow = {
  operation: Operation;
  /** In the order of the plan. */
  items: readonly RecordedItem[];
  /** Whether `items` are all of them. */
  isWhole: boolean;
  /** The rest could not be read; it is being tried again. */
  isTroubled: boolean;
  retries: readonly Operation[];
  /** What this tab has heard of it. */
  view: OperationView | undefined;
  /** Reads all of it again. */
  reread: () => void;
};

type Reading = OperationRecord & { atMs: number };

/** An operation as it stands now: what the record says, and over it what this tab has heard since. */
export function useOperation(first: FirstLook): OperationNow {
  const { id } = first.operation;
  const views = useOperations();
  const view = views.find(({ operation }) => operation.id === id);
  const [reading, setReading] = useState<Reading | null>(null);
  const [wanted, setWanted] = useState(0);
  const [isTroubled, setIsTroubled] = useState(false);
  const recorded = reading ?? first;
  const heard = isNewer(view, reading) ? view : undefined;
  const operation = heard?.operation ?? recorded.operation;
  const items = useMemo(() => withNews(recorded.items, heard), [recorded, heard]);
  const { total } = totalsOf(operation.counts);
  const isWhole = items.length >= total;
  // How it ended may have been told in numbers alone.
  const isMissing = !isWhole || (operation.state === 'finished' && !areSame(items, operation));

  // The server is the external system: what is missing is asked for until it is here.
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
      setIsTroubled(record === null);
      if (record === null || isMissing) timer = setTimeout(read, TRY_AGAIN_MS);
    };
    void read();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [id, isMissing, wanted]);

  const retries = useMemo(() => withNewRetries(first, views), [first, views]);
  const reread = useCallback(() => setWanted((before) => before + 1), []);
  return { operation, items, isWhole, isTroubled, retries, view, reread };
}

/** Whether the channel has said something since the last reading. */
function isNewer(view: OperationView | undefined, reading: Reading | null): boolean {
  if (view === undefined) return false;
  if (reading === null || reading.operation.state === 'running') return true;
  return (view.samples.at(-1)?.atMs ?? 0) > reading.atMs;
}

/** Items of which there is no news stay the same objects, so that their rows need not be drawn again. */
function withNews(items: readonly RecordedItem[], view: OperationView | undefined): readonly RecordedItem[] {
  if (view === undefined || view.items.size === 0) return items;
  return items.map((item) => {
    const news = view.items.get(item.sandboxId);
    if (
      !news ||
      (news.outcome === item.outcome && news.message === item.message && news.tookMs === item.tookMs)
    )
      return item;
    return { ...item, ...news };
  });
}

function areSame(items: readonly RecordedItem[], { counts }: Operation): boolean {
  const counted = countOutcomes(items);
  return OUTCOMES.every((outcome) => counted[outcome] === counts[outcome]);
}

function withNewRetries({ operation, retries }: FirstLook, views: readonly OperationView[]): Operation[] {
  const news = new Map(
    views
      .filter((view) => view.operation.retryOf === operation.id)
      .map((view) => [view.operation.id, view.operation]),
  );
  const known = retries.map((retry) => news.get(retry.id) ?? retry);
  const ids = new Set(retries.map(({ id }) => id));
  const added = [...news.values()].filter(({ id }) => !ids.has(id));
  return [...known, ...added.sort((one, other) => one.createdAtMs - other.createdAtMs)];
}

'use client';

import { useMemo } from 'react';
import { useOperations } from '@/components/data/use-operations';
import { type LogSearch, passesSearch } from '@/lib/operations/record/log-filter';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import type { LogEntry, LogPage } from '@/lib/operations/record/record';

/**
 * The page as the server made it, with what has become of its operations since; and how many operations have come that
 * belong at its top: they are announced, because rows must not move under the pointer. `madeAtMs`: when it was made, by
 * the server's clock.
 */
export function useLiveLog(
  page: LogPage,
  search: LogSearch,
  madeAtMs: number,
): { entries: LogEntry[]; arrived: number } {
  const views = useOperations();
  const entries = useMemo(() => {
    const byId = new Map(views.map((view) => [view.operation.id, view]));
    return page.entries.map((entry) => {
      const view = byId.get(entry.operation.id);
      return view && isNewer(view, entry, madeAtMs) ? { ...entry, operation: view.operation } : entry;
    });
  }, [page, views, madeAtMs]);
  const arrived = useMemo(() => countArrived(page, views, search), [page, views, search]);
  return { entries, arrived };
}

/** What has ended may have been looked at again, and the page may know more of that than this tab. */
function isNewer(view: OperationView, { operation }: LogEntry, madeAtMs: number): boolean {
  if (operation.state === 'running') return true;
  const heardAtMs = view.samples.at(-1)?.atMs ?? 0;
  return operationProgress().clock.at(heardAtMs) > madeAtMs;
}

function countArrived({ entries }: LogPage, views: readonly OperationView[], search: LogSearch): number {
  if (search.before !== null) return 0;
  const shown = new Set(entries.map(({ operation }) => operation.id));
  const newestMs = entries[0]?.operation.createdAtMs ?? 0;
  return views.filter(
    ({ operation, items }) =>
      !shown.has(operation.id) &&
      operation.createdAtMs >= newestMs &&
      passesSearch(operation, (sandboxId) => items.has(sandboxId), search, Date.now()),
  ).length;
}

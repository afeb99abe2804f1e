'use client';

import { useEffect, useMemo } from 'react';
import { useOperations } from '@/components/data/use-operations';
import { useRefresh } from '@/components/data/use-url-state';
import { type LogSearch, passesSearch } from '@/lib/operations/record/log-filter';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import type { LogEntry, LogPage } from '@/lib/operations/record/record';

/**
 * The server's page with live updates of its operations, and the number of new operations that belong at its top. New
 * ones are only announced, because rows must not move under the pointer. `renderedAtMs` is server time.
 */
export function useLiveLog(
  page: LogPage,
  search: LogSearch,
  renderedAtMs: number,
): { entries: LogEntry[]; arrived: number } {
  const views = useOperations();
  const entries = useMemo(() => {
    const byId = new Map(views.map((view) => [view.operation.id, view]));
    return page.entries.map((entry) => {
      const view = byId.get(entry.operation.id);
      return view && isNewer(view, entry, renderedAtMs) ? { ...entry, operation: view.operation } : entry;
    });
  }, [page, views, renderedAtMs]);
  const arrived = useMemo(() => countArrived(page, views, search), [page, views, search]);
  useRefreshAfterCommands(page, entries);
  return { entries, arrived };
}

/** Reads the page again when one of its commands has ended: only the server knows the exit codes. */
function useRefreshAfterCommands(page: LogPage, entries: readonly LogEntry[]): void {
  const refresh = useRefresh();
  const wasRunning = new Set(
    page.entries.flatMap(({ operation: { id, act, state } }) =>
      act === 'run' && state === 'running' ? id : [],
    ),
  );
  const hasEnded = entries.some(({ operation: { id, state } }) => state === 'finished' && wasRunning.has(id));
  useEffect(() => {
    if (hasEnded) refresh();
  }, [hasEnded, refresh]);
}

/** After a recheck, the page may be newer than the last event of this tab. */
function isNewer(view: OperationView, { operation }: LogEntry, renderedAtMs: number): boolean {
  if (operation.state === 'running') return true;
  const eventAtMs = view.samples.at(-1)?.atMs ?? 0;
  return operationProgress().clock.at(eventAtMs) > renderedAtMs;
}

function countArrived({ entries }: LogPage, views: readonly OperationView[], search: LogSearch): number {
  if (search.before !== null) return 0;
  const shown = new Set(entries.map(({ operation }) => operation.id));
  const newestMs = entries[0]?.operation.createdAtMs ?? 0;
  return views.filter(
    ({ operation, items }) =>
      !shown.has(operation.id) &&
      operation.createdAtMs >= newestMs &&
      passesSearch(operation, items.keys(), search, operationProgress().clock.at(Date.now())),
  ).length;
}

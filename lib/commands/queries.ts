import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { askFiles } from '../api-client';
import { paths } from '../paths';
import type { RunGroup, RunHistory, RunRecord } from './schema';

const KEY = 'runs';
const LIVE_EVERY_MS = 1_500;

/** The commands run in a sandbox, and those that this person typed lately. */
export function runHistoryQuery(sandboxId: string) {
  return queryOptions({
    queryKey: [KEY, 'in', sandboxId],
    queryFn: async ({ signal }): Promise<RunHistory> => read(`/api${paths.sandbox(sandboxId)}/runs`, signal),
    staleTime: 0,
  });
}

/** What a command has come to in the sandboxes of an operation; read again and again while it runs. */
export function runGroupsQuery(operationId: string, isRunning: boolean) {
  return queryOptions({
    // Its end asks once more.
    queryKey: [KEY, 'of', operationId, isRunning],
    queryFn: async ({ signal }): Promise<RunGroup[]> =>
      (await read<{ groups: RunGroup[] }>(`/api${paths.operation(operationId)}/runs`, signal)).groups,
    placeholderData: keepPreviousData,
    refetchInterval: isRunning ? LIVE_EVERY_MS : false,
    staleTime: isRunning ? 0 : Number.POSITIVE_INFINITY,
  });
}

/** All that is kept of one run. It has ended, so it stays as it is. */
export function runQuery(operationId: string, sandboxId: string) {
  return queryOptions({
    queryKey: [KEY, 'one', operationId, sandboxId],
    queryFn: async ({ signal }): Promise<RunRecord> =>
      read(`/api${paths.operation(operationId)}/runs/${encodeURIComponent(sandboxId)}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Our own server's own types. Throws `FileRefusal`. */
async function read<T>(address: string, signal: AbortSignal): Promise<T> {
  return (await (await askFiles(address, signal)).json()) as T;
}

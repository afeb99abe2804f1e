import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { fetchApi } from '../api-client';
import { paths } from '../paths';
import type { CommandHistory, CommandRecord, ResultGroup } from './schema';

const KEY = 'runs';
const LIVE_EVERY_MS = 1_500;

/** The commands run in a sandbox, and those that this person typed lately. */
export function commandHistoryQuery(sandboxId: string) {
  return queryOptions({
    queryKey: [KEY, 'in', sandboxId],
    queryFn: async ({ signal }): Promise<CommandHistory> =>
      read(`/api${paths.sandbox(sandboxId)}/runs`, signal),
    staleTime: 0,
  });
}

/** What a command has come to in the sandboxes of an operation; read again and again while it runs. */
export function commandGroupsQuery(operationId: string, isRunning: boolean) {
  return queryOptions({
    // Its end asks once more.
    queryKey: [KEY, 'of', operationId, isRunning],
    queryFn: async ({ signal }): Promise<ResultGroup[]> =>
      (await read<{ groups: ResultGroup[] }>(`/api${paths.operation(operationId)}/runs`, signal)).groups,
    placeholderData: keepPreviousData,
    refetchInterval: isRunning ? LIVE_EVERY_MS : false,
    staleTime: isRunning ? 0 : Number.POSITIVE_INFINITY,
  });
}

/** All that is kept of one run. It has ended, so it stays as it is. */
export function commandQuery(operationId: string, sandboxId: string) {
  return queryOptions({
    queryKey: [KEY, 'one', operationId, sandboxId],
    queryFn: async ({ signal }): Promise<CommandRecord> =>
      read(`/api${paths.operation(operationId)}/runs/${encodeURIComponent(sandboxId)}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Our own server's own types. Throws `ApiFailure`. */
async function read<T>(address: string, signal: AbortSignal): Promise<T> {
  return (await (await fetchApi(address, signal)).json()) as T;
}

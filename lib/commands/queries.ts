import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { fetchApi } from '../api-client';
import { paths } from '../paths';
import { connectionOf, idOf, type SandboxKey } from '../sandbox-key';
import type { CommandHistory, CommandRecord, ResultGroup } from './schema';

const KEY = 'runs';
const LIVE_EVERY_MS = 1_500;

export function commandHistoryQuery(sandboxKey: SandboxKey) {
  return queryOptions({
    queryKey: [KEY, 'in', sandboxKey],
    queryFn: async ({ signal }): Promise<CommandHistory> =>
      read(`/api${paths.sandbox(sandboxKey)}/runs`, signal),
    staleTime: 0,
  });
}

/** The results of a command, grouped. Polled while it runs. */
export function commandGroupsQuery(operationId: string, isRunning: boolean) {
  return queryOptions({
    // The key changes at the end, which causes one more read.
    queryKey: [KEY, 'of', operationId, isRunning],
    queryFn: async ({ signal }): Promise<ResultGroup[]> =>
      (await read<{ groups: ResultGroup[] }>(`/api${paths.operation(operationId)}/runs`, signal)).groups,
    placeholderData: keepPreviousData,
    refetchInterval: isRunning ? LIVE_EVERY_MS : false,
    staleTime: isRunning ? 0 : Number.POSITIVE_INFINITY,
  });
}

export function commandQuery(operationId: string, sandboxKey: SandboxKey) {
  return queryOptions({
    queryKey: [KEY, 'one', operationId, sandboxKey],
    queryFn: async ({ signal }): Promise<CommandRecord> =>
      read(
        `/api${paths.operation(operationId)}/runs/${connectionOf(sandboxKey)}/${idOf(sandboxKey)}`,
        signal,
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Throws `ApiFailure`. */
async function read<T>(address: string, signal: AbortSignal): Promise<T> {
  return (await (await fetchApi(address, signal)).json()) as T;
}

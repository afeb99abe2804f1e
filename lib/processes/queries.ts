import { queryOptions } from '@tanstack/react-query';
import { fetchApi } from '../api-client';
import { paths } from '../paths';
import type { SandboxKey } from '../sandbox-key';
import type { InsideList, ProcessList } from './schema';

const KEY = 'processes';
const REFETCH_EVERY_MS = 2_000;
export const INSIDE_REFETCH_MS = 5_000;

/** The processes started through the API, refetched while `isOn`. */
export function processesQuery(sandboxKey: SandboxKey, isOn: boolean) {
  return queryOptions({
    queryKey: [KEY, sandboxKey],
    queryFn: ({ signal }): Promise<ProcessList> => read(`/api${paths.sandboxProcesses(sandboxKey)}`, signal),
    enabled: isOn,
    refetchInterval: isOn ? REFETCH_EVERY_MS : false,
    staleTime: 0,
    retry: false,
  });
}

/** Every process in a sandbox, refetched while `isOn`. Fetched only on request, because it starts a shell in the sandbox. */
export function insideQuery(sandboxKey: SandboxKey, isOn: boolean) {
  return queryOptions({
    queryKey: [KEY, sandboxKey, 'inside'],
    queryFn: ({ signal }): Promise<InsideList> =>
      read(`/api${paths.sandboxProcesses(sandboxKey)}/inside`, signal),
    enabled: isOn,
    refetchInterval: isOn ? INSIDE_REFETCH_MS : false,
    staleTime: INSIDE_REFETCH_MS,
    gcTime: 0,
    retry: false,
  });
}

/** @throws ApiFailure */
async function read<T>(url: string, signal: AbortSignal): Promise<T> {
  return (await (await fetchApi(url, signal)).json()) as T;
}

import { queryOptions } from '@tanstack/react-query';
import { fetchApi } from '../api-client';
import { paths } from '../paths';
import type { InsideList, ProcessList } from './schema';

const KEY = 'processes';
const LOOK_EVERY_MS = 2_000;

/** What was started from outside in a sandbox; read again and again while somebody looks at it. */
export function processesQuery(sandboxId: string, isOn: boolean) {
  return queryOptions({
    queryKey: [KEY, sandboxId],
    queryFn: ({ signal }): Promise<ProcessList> => read(`/api${paths.sandboxProcesses(sandboxId)}`, signal),
    enabled: isOn,
    refetchInterval: isOn ? LOOK_EVERY_MS : false,
    staleTime: 0,
    retry: false,
  });
}

/** Everything that runs in a sandbox, as it stood when somebody asked. */
export function insideQuery(sandboxId: string) {
  return queryOptions({
    queryKey: [KEY, sandboxId, 'inside'],
    queryFn: ({ signal }): Promise<InsideList> =>
      read(`/api${paths.sandboxProcesses(sandboxId)}/inside`, signal),
    enabled: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
}

/** Our own server's own types. Throws `ApiFailure`. */
async function read<T>(address: string, signal: AbortSignal): Promise<T> {
  return (await (await fetchApi(address, signal)).json()) as T;
}

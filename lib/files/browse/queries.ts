import { queryOptions } from '@tanstack/react-query';
import { ApiFailure, fetchApi } from '../../api-client';
import type { SandboxKey } from '../../sandbox-key';
import { fileAddresses } from '../addresses';
import { HOMES } from '../guest-path';
import type { Entry, FolderSize, Listing } from '../schema';
import { isFolder } from './order';
import { reuseEntries } from './tree';

const KEY = 'files';
/** A folder that is unfolded again soon was watched until then, so it is still fresh. */
const FRESH_FOR_MS = 5_000;
export const RETRY_MS = 5_000;

type Query = { state: { error: Error | null; data?: unknown } };

/** Retries only while the sandbox is unreachable. Other failures stay until something changes. */
export const retriedWhileUnreachable = {
  retry: false,
  refetchOnWindowFocus: false,
  refetchInterval: ({ state }: Query) =>
    state.error instanceof ApiFailure && state.error.problem === 'unavailable' ? RETRY_MS : (false as const),
};

const steady = { staleTime: FRESH_FOR_MS, ...retriedWhileUnreachable };

export function listingQuery(sandboxKey: SandboxKey, path: string) {
  return queryOptions({
    queryKey: [KEY, sandboxKey, 'list', path],
    queryFn: ({ signal }) => readListing(sandboxKey, path, signal),
    ...steady,
    structuralSharing: (before, now) => reuseListing(before as Listing | undefined, now as Listing),
  });
}

/** Of the queries for single entries. The path of the entry follows. */
export const entriesKey = (sandboxKey: SandboxKey) => [KEY, sandboxKey, 'stat'] as const;

export function entryQuery(sandboxKey: SandboxKey, path: string) {
  return queryOptions({
    queryKey: [...entriesKey(sandboxKey), path],
    queryFn: ({ signal }) => readEntry(sandboxKey, path, signal),
    ...steady,
  });
}

/** The total size of some paths. Enable it on request only. */
export function sizeQuery(sandboxKey: SandboxKey, paths: readonly string[]) {
  return queryOptions({
    queryKey: [KEY, sandboxKey, 'size', ...paths],
    queryFn: async ({ signal }): Promise<FolderSize> =>
      (await fetchApi(fileAddresses.size(sandboxKey, paths), signal)).json(),
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

/** The first folder to show: the first of `HOMES` that exists, or the root. */
export function homeQuery(sandboxKey: SandboxKey) {
  return queryOptions({
    queryKey: [KEY, sandboxKey, 'home'],
    queryFn: ({ signal }) => findHome(sandboxKey, signal),
    ...steady,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

async function findHome(sandboxKey: SandboxKey, signal: AbortSignal): Promise<string> {
  for (const path of HOMES) {
    const entry = await readEntry(sandboxKey, path, signal).catch((thrown: unknown) => {
      const isMissing =
        thrown instanceof ApiFailure && (thrown.problem === 'vanished' || thrown.problem === 'denied');
      if (isMissing) return null;
      throw thrown;
    });
    if (entry && isFolder(entry)) return path;
  }
  return '/';
}

/** Throws `ApiFailure`. */
export async function readEntry(sandboxKey: SandboxKey, path: string, signal?: AbortSignal): Promise<Entry> {
  return (await fetchApi(fileAddresses.stat(sandboxKey, path), signal)).json();
}

async function readListing(sandboxKey: SandboxKey, path: string, signal: AbortSignal): Promise<Listing> {
  const { body } = await fetchApi(fileAddresses.list(sandboxKey, path), signal);
  try {
    // Not validated: our own server built it, and validating 50,000 entries would delay the first paint.
    return await new Response(body?.pipeThrough(new DecompressionStream('gzip'))).json();
  } catch (thrown) {
    signal.throwIfAborted();
    throw ApiFailure.from(thrown);
  }
}

function reuseListing(before: Listing | undefined, now: Listing): Listing {
  if (before === undefined || before.path !== now.path) return now;
  const entries = reuseEntries(before.entries, now.entries) as Entry[];
  return entries === before.entries && before.isCut === now.isCut ? before : { ...now, entries };
}

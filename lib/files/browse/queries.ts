import { queryOptions } from '@tanstack/react-query';
import { ApiFailure, fetchApi } from '../../api-client';
import { fileAddresses } from '../addresses';
import { HOMES } from '../guest-path';
import type { Entry, FolderSize, Listing } from '../schema';
import { isFolder } from './order';
import { reuseEntries } from './tree';

const KEY = 'files';
/** A folder that is unfolded again soon is not read again: it was being followed until a moment ago. */
const FRESH_FOR_MS = 5_000;
const TRY_AGAIN_MS = 5_000;

type Query = { state: { error: Error | null; data?: unknown } };

/** What cannot be reached may be a moment later; everything else stays as it is until somebody changes it. */
const steady = {
  staleTime: FRESH_FOR_MS,
  retry: false,
  refetchOnWindowFocus: false,
  refetchInterval: ({ state }: Query) =>
    state.error instanceof ApiFailure && state.error.problem === 'unavailable'
      ? TRY_AGAIN_MS
      : (false as const),
};

/** The entries of a folder. */
export function listingQuery(sandboxId: string, path: string) {
  return queryOptions({
    queryKey: [KEY, sandboxId, 'list', path],
    queryFn: ({ signal }) => readListing(sandboxId, path, signal),
    ...steady,
    structuralSharing: (before, now) => reuseListing(before as Listing | undefined, now as Listing),
  });
}

/** One name. */
export function entryQuery(sandboxId: string, path: string) {
  return queryOptions({
    queryKey: [KEY, sandboxId, 'stat', path],
    queryFn: ({ signal }) => readEntry(sandboxId, path, signal),
    ...steady,
  });
}

/** How much there is at and below some places. Counted only when asked for. */
export function sizeQuery(sandboxId: string, paths: readonly string[]) {
  return queryOptions({
    queryKey: [KEY, sandboxId, 'size', ...paths],
    queryFn: async ({ signal }): Promise<FolderSize> =>
      (await fetchApi(fileAddresses.size(sandboxId, paths), signal)).json(),
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

/** Where one looks first in a sandbox: its user's home, by where such homes are. */
export function homeQuery(sandboxId: string) {
  return queryOptions({
    queryKey: [KEY, sandboxId, 'home'],
    queryFn: ({ signal }) => findHome(sandboxId, signal),
    ...steady,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

async function findHome(sandboxId: string, signal: AbortSignal): Promise<string> {
  for (const path of HOMES) {
    const entry = await readEntry(sandboxId, path, signal).catch((thrown: unknown) => {
      const isAway =
        thrown instanceof ApiFailure && (thrown.problem === 'vanished' || thrown.problem === 'denied');
      if (isAway) return null;
      throw thrown;
    });
    if (entry && isFolder(entry)) return path;
  }
  return '/';
}

/** Throws `ApiFailure`. */
export async function readEntry(sandboxId: string, path: string, signal?: AbortSignal): Promise<Entry> {
  return (await fetchApi(fileAddresses.stat(sandboxId, path), signal)).json();
}

async function readListing(sandboxId: string, path: string, signal: AbortSignal): Promise<Listing> {
  const { body } = await fetchApi(fileAddresses.list(sandboxId, path), signal);
  try {
    // Our own server's own type, built from parsed entries: parsing 50,000 of them again would cost the first paint.
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

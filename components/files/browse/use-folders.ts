'use client';

import {
  type QueryClient,
  type QueryKey,
  type UseQueryResult,
  useQueries,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { ApiFailure } from '@/lib/api-client';
import { FolderRefresher } from '@/lib/files/browse/folder-refresher';
import { entriesKey, listingQuery, readEntry } from '@/lib/files/browse/queries';
import { type Folder, type FolderFailure, patchEntries } from '@/lib/files/browse/tree';
import { childOf, parentOf } from '@/lib/files/guest-path';
import { type Entry, type FolderEvent, folderKey, type Listing } from '@/lib/files/schema';
import { liveSocket } from '@/lib/live/socket';
import type { SandboxKey } from '@/lib/sandbox-key';

/** A socket has a limited number of channels. The folders unfolded last are the most likely to be in view. */
const MAX_FOLLOWED = 24;
const RESUBSCRIBE_MS = 5_000;
const SEPARATOR = '\0';

export function useFolders(
  sandboxKey: SandboxKey,
  paths: readonly string[],
  isReadable: boolean,
): ReadonlyMap<string, Folder> {
  /** Keeps the last failure, which a query drops during a retry. */
  const failures = useRef(new Map<string, FolderFailure>());
  const joined = paths.join(SEPARATOR);
  const combine = useCallback(
    (results: UseQueryResult<Listing>[]) => {
      const folders = new Map<string, Folder>();
      joined.split(SEPARATOR).forEach((path, index) => {
        const result = results[index];
        if (result) folders.set(path, folderOf(path, result, failures.current));
      });
      return folders;
    },
    [joined],
  );
  return useQueries({
    queries: paths.map((path) => ({ ...listingQuery(sandboxKey, path), enabled: isReadable })),
    combine,
  });
}

function folderOf(
  path: string,
  { data, error }: UseQueryResult<Listing>,
  failures: Map<string, FolderFailure>,
): Folder {
  if (error) {
    const { problem, message } = ApiFailure.from(error);
    failures.set(path, { problem, message });
  } else if (data) failures.delete(path);
  return { entries: data?.entries ?? null, isCut: data?.isCut ?? false, failure: failures.get(path) ?? null };
}

/** Watches the folders at `paths` while the sandbox runs. Prefers the first, then the last ones. */
export function useFollowedFolders(
  sandboxKey: SandboxKey,
  paths: readonly string[],
  isRunning: boolean,
): void {
  const client = useQueryClient();
  const [first, ...rest] = [...new Set(paths)];
  const followed = first === undefined ? [] : [first, ...rest.slice(-(MAX_FOLLOWED - 1))];
  const joined = isRunning ? followed.join(SEPARATOR) : '';
  const stops = useRef(new Map<string, () => void>());
  // Subscriptions are an external system. Existing ones stay.
  useEffect(() => {
    const wanted = new Set(joined === '' ? [] : joined.split(SEPARATOR));
    for (const [path, stop] of stops.current) {
      if (wanted.has(path)) continue;
      stop();
      stops.current.delete(path);
    }
    for (const path of wanted)
      if (!stops.current.has(path)) stops.current.set(path, followFolder(client, sandboxKey, path));
  }, [client, sandboxKey, joined]);
  useEffect(() => {
    const all = stops.current;
    return () => {
      for (const stop of all.values()) stop();
      all.clear();
    };
  }, []);
}

function followFolder(client: QueryClient, sandboxKey: SandboxKey, path: string): () => void {
  const { queryKey } = listingQuery(sandboxKey, path);
  const refresher = new FolderRefresher({
    count: () => client.getQueryData(queryKey)?.entries.length ?? 0,
    reread: async () => {
      const hadNothing = client.getQueryData(queryKey) === undefined;
      await client.refetchQueries({ queryKey, exact: true });
      // The first reading may have started before the watch.
      if (hadNothing) await client.refetchQueries({ queryKey, exact: true });
    },
    restat: async (names) => {
      const changes = await Promise.all(names.map((name) => readChange(sandboxKey, childOf(path, name))));
      const gone = new Set(names.filter((_name, index) => changes[index] === null));
      client.setQueryData(queryKey, (listing) => {
        if (listing === undefined) return listing;
        const entries = patchEntries(
          listing.entries,
          changes.filter((entry) => entry !== null),
          gone,
        );
        return entries === listing.entries ? listing : { ...listing, entries: entries as Entry[] };
      });
    },
  });
  const notify = (names: readonly string[]) => {
    refresher.notify(names);
    // The open entry may not be in the list.
    void rereadEntries(client, sandboxKey, (entryPath) => isConcerned(entryPath, path, names));
  };
  let stop = () => {};
  let timer: ReturnType<typeof setTimeout> | null = null;
  const listen = () => {
    stop = liveSocket().subscribe(
      'folder',
      {
        onEvent: (payload) => {
          const event = payload as FolderEvent;
          if (event.kind === 'ended') {
            stop();
            timer = setTimeout(listen, RESUBSCRIBE_MS);
          }
          // Changes before `watching` were not reported, so it rereads everything.
          const names = event.kind === 'changed' ? event.names : [];
          notify(names);
        },
        onGap: () => notify([]),
      },
      folderKey(sandboxKey, path),
    );
  };
  listen();
  return () => {
    stop();
    refresher.stop();
    if (timer) clearTimeout(timer);
  };
}

/** Reads entries again, also those whose first reading is under way: it may have started before the change. */
async function rereadEntries(
  client: QueryClient,
  sandboxKey: SandboxKey,
  isChanged: (path: string) => boolean,
) {
  const changed = {
    queryKey: entriesKey(sandboxKey),
    predicate: ({ queryKey }: { queryKey: QueryKey }) => isChanged(String(queryKey.at(-1))),
  };
  await client.cancelQueries(changed);
  await client.invalidateQueries(changed);
}

/** Whether an entry may have changed when `names` of a folder have. No names: any of its entries. */
function isConcerned(entryPath: string, folder: string, names: readonly string[]): boolean {
  return names.length === 0
    ? parentOf(entryPath) === folder
    : names.some((name) => childOf(folder, name) === entryPath);
}

/** The current entry; `null` if deleted. */
async function readChange(sandboxKey: SandboxKey, path: string): Promise<Entry | null> {
  return readEntry(sandboxKey, path).catch((thrown: unknown) => {
    if (thrown instanceof ApiFailure && thrown.problem === 'vanished') return null;
    throw thrown;
  });
}

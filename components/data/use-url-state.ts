'use client';

import { usePathname, useRouter, useSearchParams } from 'next/navigation';
import { startTransition, useCallback, useLayoutEffect, useState, useSyncExternalStore } from 'react';
import { pageQuery, type QueryChanges, type WriteOptions } from '@/lib/page-query';

type SetMany = (changes: QueryChanges, options?: Partial<WriteOptions>) => void;

const NONE: QueryChanges = {};
const subscribe = (listener: () => void) => pageQuery().subscribe(listener);

/** Reads keys of the page's query, and changes them. */
export function useUrlStates({
  history = 'replace',
  delayMs = 0,
}: Partial<WriteOptions> = {}): [(key: string) => string | null, SetMany] {
  const path = usePathname();
  const shown = useSearchParams();
  const changes = useSyncExternalStore(
    subscribe,
    () => pageQuery().changesOf(path),
    () => NONE,
  );
  const get = (key: string) => (Object.hasOwn(changes, key) ? (changes[key] ?? null) : shown.get(key));
  const set: SetMany = useCallback(
    (next, options) => pageQuery().set(path, next, { history, delayMs, ...options }),
    [path, history, delayMs],
  );
  return [get, set];
}

/** A key of the page's query as state. `null`: the query does not have it. */
export function useUrlState(
  key: string,
  options?: Partial<WriteOptions>,
): [string | null, (value: string | null) => void] {
  const [get, setMany] = useUrlStates(options);
  const set = useCallback((value: string | null) => setMany({ [key]: value }), [key, setMany]);
  return [get(key), set];
}

/** Tells the query of the page what the router does. Rendered once. */
export function RouterWatch() {
  const path = usePathname();
  const shown = useSearchParams();
  const [ended, setEnded] = useState(0);
  // The router's work is a transition that began in the same event, so both are committed together.
  useLayoutEffect(() => pageQuery().watchWork((work) => startTransition(() => setEnded(work))), []);
  useLayoutEffect(() => pageQuery().routerShows(path, shown), [path, shown]);
  useLayoutEffect(() => pageQuery().workEnded(ended), [ended]);
  return null;
}

/** Reads the page again from the server. */
export function useRefresh(): () => void {
  const router = useRouter();
  return useCallback(() => {
    startTransition(() => {
      pageQuery().refreshBegan();
      router.refresh();
    });
  }, [router]);
}

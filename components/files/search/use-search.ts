'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiFailure, fetchApi } from '@/lib/api-client';
import { fileAddresses } from '@/lib/files/addresses';
import type { FileHit, SearchEnd, SearchPlace } from '@/lib/files/schema';
import { searchLines } from '@/lib/files/search/lines';

/** What is looked for, where. */
export type Wanted = { path: string; text: string; place: SearchPlace };

export type SearchNow = {
  wanted: Wanted;
  hits: readonly FileHit[];
  state: 'running' | 'ended' | 'stopped' | 'failed';
  /** Why there may be more than was found. */
  cut: SearchEnd['cut'];
  failure: string | null;
};

/** Found in quick succession, hits are drawn together. */
const DRAW_EVERY_MS = 120;

/** A search in the sandbox: begins when told to, ends by itself, when told to, or when nobody looks any more. */
export function useSearch(sandboxId: string) {
  const [now, setNow] = useState<SearchNow | null>(null);
  const running = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    if (running.current === null) return;
    running.current.abort();
    running.current = null;
    setNow((before) => (before?.state === 'running' ? { ...before, state: 'stopped' } : before));
  }, []);

  const start = useCallback(
    (wanted: Wanted) => {
      running.current?.abort();
      const abort = new AbortController();
      running.current = abort;
      setNow({ wanted, hits: [], state: 'running', cut: null, failure: null });
      const change = (changes: Partial<SearchNow>) => {
        if (running.current === abort) setNow((before) => (before ? { ...before, ...changes } : before));
      };
      readHits(sandboxId, wanted, abort.signal, change)
        .catch((thrown: unknown) => {
          if (!abort.signal.aborted) change({ state: 'failed', failure: ApiFailure.from(thrown).message });
        })
        .finally(() => {
          if (running.current === abort) running.current = null;
        });
    },
    [sandboxId],
  );

  // What runs in the sandbox ends with the page.
  useEffect(() => () => running.current?.abort(), []);
  return { now, start, stop };
}

async function readHits(
  sandboxId: string,
  { path, text, place }: Wanted,
  signal: AbortSignal,
  change: (changes: Partial<SearchNow>) => void,
): Promise<void> {
  const { body } = await fetchApi(fileAddresses.search(sandboxId, path, { text, place }), signal);
  const hits: FileHit[] = [];
  let drawnAtMs = 0;
  let end: SearchEnd | null = null;
  for await (const lines of body ? searchLines(body) : []) {
    for (const line of lines) {
      if (line.type === 'hit') hits.push(line);
      else end = line;
    }
    if (performance.now() - drawnAtMs < DRAW_EVERY_MS) continue;
    drawnAtMs = performance.now();
    change({ hits: [...hits] });
  }
  if (end === null) throw new ApiFailure('unavailable', 'The search broke off. There may be more.');
  change({ hits, state: 'ended', cut: end.cut });
}

'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiFailure, fetchApi } from '@/lib/api-client';
import { fileAddresses } from '@/lib/files/addresses';
import type { FileHit, SearchEnd, SearchPlace } from '@/lib/files/schema';
import { searchLines } from '@/lib/files/search/lines';
import type { SandboxKey } from '@/lib/sandbox-key';

export type SearchInput = { path: string; text: string; place: SearchPlace };

export type SearchNow = {
  input: SearchInput;
  hits: readonly FileHit[];
  /** The matching lines of each file that has more than are shown, by path. */
  matches: ReadonlyMap<string, number>;
  state: 'running' | 'ended' | 'stopped' | 'failed';
  /** Why there may be more results. */
  cut: SearchEnd['cut'];
  failure: string | null;
};

const NONE: ReadonlyMap<string, number> = new Map();

/** Batches results that arrive in quick succession. */
const RENDER_EVERY_MS = 120;

/** Runs a search in the sandbox. Ends with the page. */
export function useSearch(sandboxKey: SandboxKey) {
  const [now, setNow] = useState<SearchNow | null>(null);
  const running = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    if (running.current === null) return;
    running.current.abort();
    running.current = null;
    setNow((before) => (before?.state === 'running' ? { ...before, state: 'stopped' } : before));
  }, []);

  const start = useCallback(
    (input: SearchInput) => {
      running.current?.abort();
      const abort = new AbortController();
      running.current = abort;
      setNow({ input, hits: [], matches: NONE, state: 'running', cut: null, failure: null });
      const change = (changes: Partial<SearchNow>) => {
        if (running.current === abort) setNow((before) => (before ? { ...before, ...changes } : before));
      };
      readHits(sandboxKey, input, abort.signal, change)
        .catch((thrown: unknown) => {
          if (!abort.signal.aborted) change({ state: 'failed', failure: ApiFailure.from(thrown).message });
        })
        .finally(() => {
          if (running.current === abort) running.current = null;
        });
    },
    [sandboxKey],
  );

  useEffect(() => () => running.current?.abort(), []);
  return { now, start, stop };
}

async function readHits(
  sandboxKey: SandboxKey,
  { path, text, place }: SearchInput,
  signal: AbortSignal,
  change: (changes: Partial<SearchNow>) => void,
): Promise<void> {
  const { body } = await fetchApi(fileAddresses.search(sandboxKey, path, { text, place }), signal);
  const hits: FileHit[] = [];
  const matches = new Map<string, number>();
  let renderedAtMs = 0;
  let end: SearchEnd | null = null;
  for await (const lines of body ? searchLines(body) : []) {
    for (const line of lines) {
      if (line.type === 'hit') hits.push(line);
      else if (line.type === 'count') matches.set(line.path, line.matches);
      else end = line;
    }
    if (performance.now() - renderedAtMs < RENDER_EVERY_MS) continue;
    renderedAtMs = performance.now();
    change({ hits: [...hits] });
  }
  if (end === null)
    throw new ApiFailure('unavailable', 'The search was interrupted. There may be more results.');
  change({ hits, matches, state: 'ended', cut: end.cut });
}

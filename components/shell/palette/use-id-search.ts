'use client';

import { useEffect, useState } from 'react';
import { isLikeAnId } from '@/lib/fleet/filter/pasted-ids';
import { fleets } from '@/lib/fleet/fleets';
import type { FoundSandbox, IdSearch } from '@/lib/fleet/found-sandbox';

/** Somebody who types an id pauses no longer than this, ms. */
const WAIT_MS = 300;

export type IdAnswer = {
  found: readonly FoundSandbox[];
  /** The progress of the search, or why it found nothing. */
  words: string | null;
};

const NOT_ASKED: IdAnswer = { found: [], words: null };
const ASKING: IdAnswer = { found: [], words: 'Looking for this ID in all connections…' };
const FAILED: IdAnswer = { found: [], words: 'The ID could not be looked up. Try again.' };

/** Asks the server for an id that no fleet of this tab has: a service may know it, or it has ended. */
export function useIdSearch(query: string): IdAnswer {
  const id = query.trim();
  const isAsked = isLikeAnId(id) && !fleets().hasId(id);
  const [answer, setAnswer] = useState<{ id: string; answer: IdAnswer } | null>(null);
  useEffect(() => {
    if (!isAsked) return;
    const asking = new AbortController();
    const timer = setTimeout(async () => {
      const next = await askFor(id, asking.signal).catch(() => FAILED);
      if (!asking.signal.aborted) setAnswer({ id, answer: next });
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [id, isAsked]);
  if (!isAsked) return NOT_ASKED;
  return answer?.id === id ? answer.answer : ASKING;
}

async function askFor(id: string, signal: AbortSignal): Promise<IdAnswer> {
  const response = await fetch(`/api/sandboxes/${encodeURIComponent(id)}`, { cache: 'no-store', signal });
  if (!response.ok) return FAILED;
  // Our own server's data.
  const { found, unasked } = (await response.json()) as IdSearch;
  return { found, words: wordsOf(found.length, unasked) };
}

function wordsOf(count: number, unasked: readonly string[]): string | null {
  const missing = unasked.length === 0 ? '' : ` Could not be asked: ${unasked.join(', ')}.`;
  if (count > 0) return missing.trim() || null;
  return `No sandbox with this ID was found.${missing}`;
}

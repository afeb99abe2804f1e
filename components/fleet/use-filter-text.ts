'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { useUrlState } from '@/components/data/use-url-state';
import { finishedText } from '@/lib/fleet/filter/in-force';
import { keepTyped, takeTyped } from '@/lib/kept-text';
import { listenForKeys } from '@/lib/key-events';

/** While somebody types, the URL follows after this pause, ms. */
const WRITE_DELAY_MS = 300;

/** The text of the filter, also in the URL with a delay. The trailing space turns a filter from a link into chips. */
export function useFilterText() {
  const [inQuery, setInQuery] = useUrlState('q', { delayMs: WRITE_DELAY_MS });
  const inUrl = inQuery ?? '';
  const [text, setText] = useState(() => finishedText(inUrl));
  // The URL changed by navigation, not by typing.
  const [written, setWritten] = useState(inUrl);
  if (inUrl !== written) {
    setWritten(inUrl);
    if (inUrl !== text.trim()) setText(finishedText(inUrl));
  }
  const latest = useRef(text);
  latest.current = text;
  const change = useCallback(
    (next: string | ((now: string) => string)) => {
      const value = typeof next === 'function' ? next(latest.current) : next;
      latest.current = value;
      setText(value);
      setInQuery(value.trim() || null);
    },
    [setInQuery],
  );
  // The last letters reach the URL late, and a link finishes the last term. Another link is opened as it is.
  useEffect(() => {
    const key = `${window.location.pathname} filter`;
    const kept = takeTyped(key) as Partial<KeptFilter> | undefined;
    if (kept?.query === queryInUrl() && typeof kept.text === 'string') change(kept.text);
    return keepTyped(key, (): KeptFilter | undefined => {
      const query = queryInUrl();
      return latest.current === finishedText(query) ? undefined : { query, text: latest.current };
    });
  }, [change]);
  return [text, change] as const;
}

/** The text of the filter, and the part of it that was in the URL. */
type KeptFilter = { query: string; text: string };

const queryInUrl = () => new URLSearchParams(window.location.search).get('q') ?? '';

/** Focuses the filter on `/`, unless the focus is in another input. */
export function useSlashToFocus(input: { current: HTMLInputElement | null }) {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const target = event.target as HTMLElement | null;
      const isTyping = target?.closest(
        'input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog]',
      );
      if (event.key !== '/' || event.metaKey || event.ctrlKey || event.altKey || isTyping) return;
      event.preventDefault();
      input.current?.focus();
    }
    return listenForKeys(onKeyDown);
  }, [input]);
}

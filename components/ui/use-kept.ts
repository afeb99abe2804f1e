'use client';

import { type Dispatch, type SetStateAction, useCallback, useEffect, useRef, useState } from 'react';
import { keepTyped, takeTyped } from '@/lib/kept-text';

/**
 * The state of a field, or of the fields of a form, that survives a reload of the page, and a function to call when it was
 * sent, which drops what is kept until the next change. `field` is unique on the page and names the sandboxes or the file
 * that the text is for; `null` keeps nothing, as in a closed dialog. The kept state is restored once, when the field is shown
 * again at the same address. It is for text that is sent or saved. Never use it for a secret, for a confirmation that has to
 * be typed each time, or for a choice whose consequences the person has to see.
 */
export function useKept<Value>(
  field: string | null,
  initial: Value | (() => Value),
): [Value, Dispatch<SetStateAction<Value>>, () => void] {
  const [value, setValue] = useState(initial);
  const latest = useRef(value);
  const unchanged = useRef(value);
  latest.current = value;
  // The server renders the initial state, so the kept one follows after the first rendering.
  useEffect(() => {
    if (field === null) return;
    const key = `${window.location.pathname} ${field}`;
    const kept = takeTyped(key);
    if (kept !== undefined) setValue((now) => restored(now, kept));
    return keepTyped(key, () => (isEqual(latest.current, unchanged.current) ? undefined : latest.current));
  }, [field]);
  const settle = useCallback(() => {
    unchanged.current = latest.current;
  }, []);
  return [value, setValue, settle];
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** `kept` may have been written by another version of this page, so only what has the type of `now` is taken. */
function restored<Value>(now: Value, kept: unknown): Value {
  if (typeof now !== typeof kept || Array.isArray(now) !== Array.isArray(kept)) return now;
  if (typeof now !== 'object' || now === null || kept === null || Array.isArray(now)) return kept as Value;
  const values = kept as Record<string, unknown>;
  const taken = Object.entries(now).map(([name, value]) => [
    name,
    typeof values[name] === typeof value ? values[name] : value,
  ]);
  return Object.fromEntries(taken) as Value;
}

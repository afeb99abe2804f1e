'use client';

import { type FocusEvent, useState } from 'react';

/** `isOver`: it has ended since it was listed. */
export type Steady<T> = T & { isOver: boolean };

/** Whether somebody is about to use a row, and the handlers of the element that contains the rows. */
export function useHold() {
  const [isPointed, setIsPointed] = useState(false);
  const [isFocused, setIsFocused] = useState(false);
  return {
    isHeld: isPointed || isFocused,
    hold: {
      onPointerEnter: () => setIsPointed(true),
      onPointerLeave: () => setIsPointed(false),
      // A click leaves the focus behind, which holds nothing.
      onFocus: ({ target }: FocusEvent) => setIsFocused(target.matches(':focus-visible')),
      onBlur: ({ currentTarget, relatedTarget }: FocusEvent) => {
        if (!currentTarget.contains(relatedTarget)) setIsFocused(false);
      },
    },
  };
}

export type Hold = ReturnType<typeof useHold>['hold'];

/** The rows to show. While `isHeld`, for example under the pointer, no row moves or disappears. `keyOf` must be stable. */
export function useSteadyRows<T>(
  rows: readonly T[] | undefined,
  keyOf: (row: T) => string,
  isHeld: boolean,
): readonly Steady<T>[] {
  const [kept, setKept] = useState<{ source: typeof rows; isHeld: boolean; rows: readonly Steady<T>[] }>({
    source: undefined,
    isHeld,
    rows: [],
  });
  if (kept.source === rows && kept.isHeld === isHeld) return kept.rows;
  const merged = mergeRows(isHeld ? kept.rows : [], rows ?? [], keyOf);
  setKept({ source: rows, isHeld, rows: merged });
  return merged;
}

/** Keeps the shown rows in place, marks those that have ended, and appends the new ones. */
export function mergeRows<T>(
  shown: readonly Steady<T>[],
  now: readonly T[],
  keyOf: (row: T) => string,
): Steady<T>[] {
  const current = new Map(now.map((row) => [keyOf(row), row]));
  const kept = shown.map((row) => ({
    ...(current.get(keyOf(row)) ?? row),
    isOver: !current.has(keyOf(row)),
  }));
  const known = new Set(kept.map(keyOf));
  const added = now.filter((row) => !known.has(keyOf(row)));
  return [...kept, ...added.map((row) => ({ ...row, isOver: false }))];
}

'use client';

import { useMemo, useState } from 'react';

/** The selected rows by key. A range extends from `anchor` and adds to `base`. */
type Marks = { keys: ReadonlySet<string>; anchor: string | null; base: ReadonlySet<string> };

const NONE: Marks = { keys: new Set(), anchor: null, base: new Set() };

export type MarkActions = {
  toggle: (key: string) => void;
  /** Selects from the anchor to `key`, in the order of `keys`. */
  extend: (key: string, keys: readonly string[]) => void;
  /** Sets the anchor without selecting it. */
  startAt: (key: string) => void;
  set: (keys: Iterable<string>) => void;
};

export function useMarks(): [ReadonlySet<string>, MarkActions] {
  const [marks, setMarks] = useState(NONE);
  const acts = useMemo(
    (): MarkActions => ({
      toggle: (key) =>
        setMarks(({ keys }) => {
          const next = new Set(keys);
          if (!next.delete(key)) next.add(key);
          return { keys: next, anchor: key, base: next };
        }),
      extend: (key, keys) => setMarks((now) => extended(now, key, keys)),
      startAt: (key) => setMarks(({ keys }) => ({ keys, anchor: key, base: keys })),
      set: (keys) => setMarks({ ...NONE, keys: new Set(keys) }),
    }),
    [],
  );
  return [marks.keys, acts];
}

function extended(now: Marks, key: string, keys: readonly string[]): Marks {
  const to = keys.indexOf(key);
  const from = now.anchor === null ? to : keys.indexOf(now.anchor);
  if (to < 0) return now;
  if (from < 0) return { keys: new Set(now.keys).add(key), anchor: key, base: now.keys };
  const next = new Set(now.base);
  for (const each of keys.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(each);
  return { ...now, keys: next };
}

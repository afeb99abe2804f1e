import type { IndexedSandbox } from './row-index';

/** Rows kept in the order on screen, although others have arrived or gone since. */
export type HeldRows = {
  rows: readonly IndexedSandbox[];
  /** Ids among `rows` that are no longer in the fleet. */
  gone: ReadonlySet<string>;
  /** Ids among `rows` that no longer match the filter. */
  hidden: ReadonlySet<string>;
  /** The number of new rows not shown yet. */
  arrived: number;
};

const NONE: ReadonlySet<string> = new Set();

/** The current rows, with nothing held back. */
export function releaseRows(rows: readonly IndexedSandbox[]): HeldRows {
  return { rows, gone: NONE, hidden: NONE, arrived: 0 };
}

/**
 * Keeps the rows of `held` in their places while a pointer is over them, so that a click hits the row under the pointer.
 * Rows of `next` update in place; new ones are only counted. `all` is the fleet that `next` was filtered from.
 */
export function holdRows(
  held: readonly IndexedSandbox[],
  next: readonly IndexedSandbox[],
  all: readonly IndexedSandbox[],
): HeldRows {
  const byId = new Map(all.map((row) => [row.sandbox.id, row]));
  const matching = next === all ? byId : new Set(next.map((row) => row.sandbox.id));
  const gone = new Set<string>();
  const hidden = new Set<string>();
  const rows = held.map((row) => {
    const { id } = row.sandbox;
    const current = byId.get(id);
    if (current === undefined) gone.add(id);
    else if (!matching.has(id)) hidden.add(id);
    return current ?? row;
  });
  return { rows, gone, hidden, arrived: next.length - (held.length - gone.size - hidden.size) };
}

import type { IndexedSandbox } from './row-index';

/** Rows in the order a person is looking at, whatever has arrived or gone since. */
export type HeldRows = {
  rows: readonly IndexedSandbox[];
  /** Ids among `rows` that are no longer there. */
  gone: ReadonlySet<string>;
  /** How many rows wait to be shown. */
  arrived: number;
};

const NONE: ReadonlySet<string> = new Set();

/** Rows as they are, nothing held back. */
export function release(rows: readonly IndexedSandbox[]): HeldRows {
  return { rows, gone: NONE, arrived: 0 };
}

/**
 * `next` in the places of `held`, for as long as a pointer is over the rows: what is new is counted but not inserted,
 * what is gone stays in its place, so that the row under the pointer is the row that gets clicked.
 */
export function hold(held: readonly IndexedSandbox[], next: readonly IndexedSandbox[]): HeldRows {
  const byId = new Map(next.map((row) => [row.sandbox.id, row]));
  const gone = new Set<string>();
  const rows = held.map((row) => {
    const current = byId.get(row.sandbox.id);
    if (current === undefined) gone.add(row.sandbox.id);
    return current ?? row;
  });
  return { rows, gone, arrived: next.length - (held.length - gone.size) };
}

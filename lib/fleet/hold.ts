import type { IndexedSandbox } from './row-index';

/** Rows in the order a person is looking at, whatever has arrived or gone since. */
export type HeldRows = {
  rows: readonly IndexedSandbox[];
  /** Ids among `rows` that are no longer there. */
  gone: ReadonlySet<string>;
  /** Ids among `rows` that are there, but have changed so that the filter would hide them. */
  hidden: ReadonlySet<string>;
  /** How many rows wait to be shown. */
  arrived: number;
};

const NONE: ReadonlySet<string> = new Set();

/** Rows as they are, nothing held back. */
export function release(rows: readonly IndexedSandbox[]): HeldRows {
  return { rows, gone: NONE, hidden: NONE, arrived: 0 };
}

/**
 * `next` in the places of `held`, for as long as a pointer is over the rows: what is new is counted but not inserted,
 * what is gone or would be hidden stays in its place, so that the row under the pointer is the row that gets clicked.
 * `all` is the fleet that `next` was filtered from.
 */
export function hold(
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

import type { SandboxKey } from '../sandbox-key';
import type { IndexedSandbox } from './row-index';

/** Rows kept in the order on screen, although others have arrived or gone since. */
export type HeldRows = {
  rows: readonly IndexedSandbox[];
  /** Keys among `rows` that are no longer in the fleet. */
  gone: ReadonlySet<SandboxKey>;
  /** Keys among `rows` that no longer match the filter. */
  hidden: ReadonlySet<SandboxKey>;
  /** The number of new rows not shown yet. */
  arrived: number;
};

const NONE: ReadonlySet<SandboxKey> = new Set();

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
  const byKey = new Map(all.map((row) => [row.sandbox.key, row]));
  const matching = next === all ? byKey : new Set(next.map((row) => row.sandbox.key));
  const gone = new Set<SandboxKey>();
  const hidden = new Set<SandboxKey>();
  const rows = held.map((row) => {
    const { key } = row.sandbox;
    const current = byKey.get(key);
    if (current === undefined) gone.add(key);
    else if (!matching.has(key)) hidden.add(key);
    return current ?? row;
  });
  return { rows, gone, hidden, arrived: next.length - (held.length - gone.size - hidden.size) };
}

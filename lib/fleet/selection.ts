import type { SandboxKey } from '../sandbox-key';
import type { IndexedSandbox } from './row-index';

/** The keys of selected sandboxes, on screen or not. A new object for every change. */
export type Selection = {
  readonly keys: ReadonlySet<SandboxKey>;
  /** The start of a range: the row toggled last. */
  readonly anchor: SandboxKey | null;
  /** The selection when the anchor was set. A range is applied to this, so that it can shrink. */
  readonly base: ReadonlySet<SandboxKey>;
};

type Rows = readonly IndexedSandbox[];

export const NOTHING_SELECTED: Selection = { keys: new Set(), anchor: null, base: new Set() };

/** Toggles one row, which becomes the anchor. */
export function toggle({ keys }: Selection, key: SandboxKey): Selection {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return { keys: next, anchor: key, base: next };
}

/**
 * Applies the state of the anchor, selected or unselected, to every row from it to `key`, in `order`, the rows on screen.
 * Replaces the previous range from the same anchor. `from` sets a new anchor.
 */
export function extend(selection: Selection, key: SandboxKey, order: Rows, from?: SandboxKey): Selection {
  const { anchor, base } = from === undefined ? selection : startAt(selection, from);
  const at = (wanted: SandboxKey | null) => order.findIndex(({ sandbox }) => sandbox.key === wanted);
  const start = at(anchor);
  const end = at(key);
  if (end < 0) return selection;
  if (anchor === null || start < 0) return startAt(selection, key);
  const between = order.slice(Math.min(start, end), Math.max(start, end) + 1);
  return { keys: withRows(base, between, base.has(anchor)), anchor, base };
}

function startAt({ keys }: Selection, key: SandboxKey): Selection {
  const base = new Set(keys).add(key);
  return { keys: base, anchor: key, base };
}

/** Adds `rows`. Rows that match later are not added. */
export function selectRows({ keys }: Selection, rows: Rows): Selection {
  return withoutAnchor(withRows(keys, rows, true));
}

/** Removes `rows`. */
export function unselectRows({ keys }: Selection, rows: Rows): Selection {
  return withoutAnchor(withRows(keys, rows, false));
}

/** Removes the sandboxes that an operation was started on. Returns the same object if none is selected. */
export function unselectTaken(selection: Selection, taken: Iterable<SandboxKey>): Selection {
  const next = new Set(selection.keys);
  for (const key of taken) next.delete(key);
  return next.size === selection.keys.size ? selection : withoutAnchor(next);
}

function withRows(keys: ReadonlySet<SandboxKey>, rows: Rows, selected: boolean): ReadonlySet<SandboxKey> {
  const next = new Set(keys);
  for (const { sandbox } of rows) {
    if (selected) next.add(sandbox.key);
    else next.delete(sandbox.key);
  }
  return next;
}

function withoutAnchor(keys: ReadonlySet<SandboxKey>): Selection {
  return { keys, anchor: null, base: keys };
}

/**
 * Removes sandboxes that are not in `all`, of the fleets that are wholly known. Returns the same object if nothing changes.
 */
export function keepExisting(
  selection: Selection,
  all: Rows,
  isWhole: (key: SandboxKey) => boolean = () => true,
): Selection {
  const existing = new Set(all.map(({ sandbox }) => sandbox.key));
  const isKept = (key: SandboxKey) => existing.has(key) || !isWhole(key);
  const kept = (keys: ReadonlySet<SandboxKey>) => new Set([...keys].filter(isKept));
  const keys = kept(selection.keys);
  const base = selection.base === selection.keys ? keys : kept(selection.base);
  if (keys.size === selection.keys.size && base.size === selection.base.size) return selection;
  const { anchor } = selection;
  return { keys, anchor: anchor !== null && isKept(anchor) ? anchor : null, base };
}

function selectedAmong(keys: ReadonlySet<SandboxKey>, rows: Rows): ReadonlySet<SandboxKey> {
  const found = new Set<SandboxKey>();
  if (keys.size === 0) return found;
  for (const { sandbox } of rows) if (keys.has(sandbox.key)) found.add(sandbox.key);
  return found;
}

export type Reconciled = {
  /** The selected rows that exist and match the filter, in the order of the result. Actions apply to these. */
  rows: Rows;
  /** The number of selected sandboxes hidden by the filter. Actions do not include them. */
  hidden: number;
};

const NOTHING: Reconciled = { rows: [], hidden: 0 };

/** Divides the selection into rows that actions apply to and hidden ones. */
export function reconcile({ keys }: Selection, matching: Rows, all: Rows): Reconciled {
  if (keys.size === 0) return NOTHING;
  const existing = selectedAmong(keys, all);
  const rows = matching.filter(({ sandbox }) => existing.has(sandbox.key));
  return { rows, hidden: existing.size - rows.length };
}

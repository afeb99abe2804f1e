import type { IndexedSandbox } from './row-index';

/** The ids of selected sandboxes, on screen or not. A new object for every change. */
export type Selection = {
  readonly ids: ReadonlySet<string>;
  /** The start of a range: the row toggled last. */
  readonly anchor: string | null;
  /** The selection when the anchor was set. A range is applied to this, so that it can shrink. */
  readonly base: ReadonlySet<string>;
};

type Rows = readonly IndexedSandbox[];

export const NOTHING_SELECTED: Selection = { ids: new Set(), anchor: null, base: new Set() };

/** Toggles one row, which becomes the anchor. */
export function toggle({ ids }: Selection, id: string): Selection {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { ids: next, anchor: id, base: next };
}

/**
 * Applies the state of the anchor, selected or unselected, to every row from it to `id`, in `order`, the rows on screen.
 * Replaces the previous range from the same anchor. `from` sets a new anchor.
 */
export function extend(selection: Selection, id: string, order: Rows, from?: string): Selection {
  const { anchor, base } = from === undefined ? selection : startAt(selection, from);
  const at = (wanted: string | null) => order.findIndex(({ sandbox }) => sandbox.id === wanted);
  const start = at(anchor);
  const end = at(id);
  if (end < 0) return selection;
  if (anchor === null || start < 0) return startAt(selection, id);
  const between = order.slice(Math.min(start, end), Math.max(start, end) + 1);
  return { ids: withRows(base, between, base.has(anchor)), anchor, base };
}

function startAt({ ids }: Selection, id: string): Selection {
  const base = new Set(ids).add(id);
  return { ids: base, anchor: id, base };
}

/** Adds `rows`. Rows that match later are not added. */
export function selectRows({ ids }: Selection, rows: Rows): Selection {
  return withoutAnchor(withRows(ids, rows, true));
}

/** Removes `rows`. */
export function unselectRows({ ids }: Selection, rows: Rows): Selection {
  return withoutAnchor(withRows(ids, rows, false));
}

/** Removes the sandboxes that an operation was started on. Returns the same object if none is selected. */
export function unselectTaken(selection: Selection, taken: Iterable<string>): Selection {
  const next = new Set(selection.ids);
  for (const id of taken) next.delete(id);
  return next.size === selection.ids.size ? selection : withoutAnchor(next);
}

function withRows(ids: ReadonlySet<string>, rows: Rows, selected: boolean): ReadonlySet<string> {
  const next = new Set(ids);
  for (const { sandbox } of rows) {
    if (selected) next.add(sandbox.id);
    else next.delete(sandbox.id);
  }
  return next;
}

function withoutAnchor(ids: ReadonlySet<string>): Selection {
  return { ids, anchor: null, base: ids };
}

/** Removes sandboxes that are not in `all`. Returns the same object if nothing changes. */
export function keepExisting(selection: Selection, all: Rows): Selection {
  const ids = selectedAmong(selection.ids, all);
  const base = selection.base === selection.ids ? ids : selectedAmong(selection.base, all);
  if (ids.size === selection.ids.size && base.size === selection.base.size) return selection;
  const { anchor } = selection;
  return { ids, anchor: all.some(({ sandbox }) => sandbox.id === anchor) ? anchor : null, base };
}

function selectedAmong(ids: ReadonlySet<string>, rows: Rows): ReadonlySet<string> {
  const found = new Set<string>();
  if (ids.size === 0) return found;
  for (const { sandbox } of rows) if (ids.has(sandbox.id)) found.add(sandbox.id);
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
export function reconcile({ ids }: Selection, matching: Rows, all: Rows): Reconciled {
  if (ids.size === 0) return NOTHING;
  const existing = selectedAmong(ids, all);
  const rows = matching.filter(({ sandbox }) => existing.has(sandbox.id));
  return { rows, hidden: existing.size - rows.length };
}

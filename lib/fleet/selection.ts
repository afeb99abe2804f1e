import type { IndexedSandbox } from './row-index';

/** Which sandboxes are selected, by id, whether or not they are on screen. A new object with every change. */
export type Selection = {
  readonly ids: ReadonlySet<string>;
  /** Where a range starts: the row that was selected or unselected last. */
  readonly anchor: string | null;
  /** What was selected when the anchor was set: a range is drawn over this, so it can shrink again. */
  readonly base: ReadonlySet<string>;
};

type Rows = readonly IndexedSandbox[];

export const NOTHING_SELECTED: Selection = { ids: new Set(), anchor: null, base: new Set() };

/** Selects one row, or unselects it; the next range starts there. */
export function toggle({ ids }: Selection, id: string): Selection {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { ids: next, anchor: id, base: next };
}

/**
 * Does to every row between the anchor and `id` what was done to the anchor: selects, or unselects. `order` is what is
 * on screen. The last range from the same anchor is taken back first. `from` starts a range somewhere else.
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

/** Selects every one of `rows` as well. Those that appear later are not among them. */
export function selectRows({ ids }: Selection, rows: Rows): Selection {
  return withoutAnchor(withRows(ids, rows, true));
}

/** Selects none of `rows` any more. */
export function unselectRows({ ids }: Selection, rows: Rows): Selection {
  return withoutAnchor(withRows(ids, rows, false));
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

/** Forgets what is not in the fleet any more; the same object when nothing has vanished. */
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

/** What a selection comes to at this moment. */
export type Reconciled = {
  /** Selected, passing the filter, and still there, in the order of the result: what every act goes to. */
  rows: Rows;
  /** How many more are selected and still there, but hidden by the filter: they are left out of every act. */
  hidden: number;
};

const NOTHING: Reconciled = { rows: [], hidden: 0 };

/** Which of the selected an act may go to, and how many the filter hides. */
export function reconcile({ ids }: Selection, matching: Rows, all: Rows): Reconciled {
  if (ids.size === 0) return NOTHING;
  const existing = selectedAmong(ids, all);
  const rows = matching.filter(({ sandbox }) => existing.has(sandbox.id));
  return { rows, hidden: existing.size - rows.length };
}

/** Holds the chosen columns, so that the server renders them at once. The URL takes precedence. */
export const COLUMNS_COOKIE = 'sandkeeper_columns';

export const DEFAULT_COLUMNS: readonly string[] = [
  'state',
  'id',
  'template',
  'metadata',
  'age',
  'up',
  'left',
  'size',
];

/** The columns that a person has not chosen otherwise. With several connections each row says which one it is in. */
export function defaultColumns(areSeveral: boolean): readonly string[] {
  return areSeveral ? addColumn(DEFAULT_COLUMNS, CONNECTION_COLUMN) : DEFAULT_COLUMNS;
}

/** Only offered with several connections. */
export const CONNECTION_COLUMN = 'connection';

/** Holds the widths that were dragged, px by column id, in the form of a query. */
export const WIDTHS_COOKIE = 'sandkeeper_widths';
export const MIN_WIDTH_PX = 48;
export const MAX_WIDTH_PX = 900;

export type ColumnWidths = Readonly<Record<string, number>>;

export function printWidths(widths: ColumnWidths): string {
  return new URLSearchParams(Object.entries(widths).map(([id, px]) => [id, String(px)])).toString();
}

/** Parses the output of `printWidths`. Leaves out what is not a width. */
export function parseWidths(text: string | null | undefined): ColumnWidths {
  const entries = [...new URLSearchParams(text ?? '')].slice(0, MAX_COLUMNS);
  return Object.fromEntries(
    entries.flatMap(([id, px]) => (/^\d{1,4}$/.test(px) ? [[id, clampWidth(Number(px))]] : [])),
  );
}

export function clampWidth(px: number): number {
  return Math.min(MAX_WIDTH_PX, Math.max(MIN_WIDTH_PX, Math.round(px)));
}

const MAX_COLUMNS = 24;

/** The built-in columns from left to right, where nobody has moved them. */
const READING_ORDER: readonly string[] = [...DEFAULT_COLUMNS, 'started'].flatMap((id) =>
  id === 'id' ? [id, 'connection'] : id,
);
/** The columns of metadata keys follow it. */
const BEFORE_KEYS = 'template';

function rankOf(id: string): number {
  const rank = READING_ORDER.indexOf(id);
  return rank < 0 ? READING_ORDER.indexOf(BEFORE_KEYS) + 0.5 : rank;
}

/** `ids` with one more, after the last column that precedes it in reading order. */
export function addColumn(ids: readonly string[], id: string): readonly string[] {
  if (ids.includes(id)) return ids;
  const at = ids.findLastIndex((other) => rankOf(other) <= rankOf(id)) + 1;
  return ids.toSpliced(at, 0, id);
}

/** `ids` with one of them at position `to`, counted from 0 and clamped. */
export function moveColumn(ids: readonly string[], id: string, to: number): readonly string[] {
  const from = ids.indexOf(id);
  if (from < 0) return ids;
  const target = Math.min(Math.max(to, 0), ids.length - 1);
  return target === from ? ids : ids.toSpliced(from, 1).toSpliced(target, 0, id);
}

/** Column ids separated by spaces, each percent-encoded because a metadata key may contain any character. */
export function printColumns(ids: readonly string[]): string {
  return ids.map(encodeURIComponent).join(' ');
}

/** Parses the output of `printColumns`. `null` for empty or invalid text. The id column is always included. */
export function parseColumns(text: string | null | undefined): readonly string[] | null {
  if (!text) return null;
  try {
    const named = text.split(' ').filter(Boolean).map(decodeURIComponent).slice(0, MAX_COLUMNS);
    const ids = [...new Set(named)];
    return ids.includes('id') ? ids : ['id', ...ids];
  } catch {
    return null;
  }
}

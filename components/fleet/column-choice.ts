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

/** Holds the widths that were dragged, px by column id, in the form of a query. */
export const WIDTHS_COOKIE = 'sandkeeper_widths';
const MIN_WIDTH_PX = 48;
const MAX_WIDTH_PX = 900;

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

/** Column ids separated by spaces, each percent-encoded because a metadata key may contain any character. */
export function printColumns(ids: readonly string[]): string {
  return ids.map(encodeURIComponent).join(' ');
}

/** Parses the output of `printColumns`. `null` for empty or invalid text. The id column is always included. */
export function parseColumns(text: string | null | undefined): readonly string[] | null {
  if (!text) return null;
  try {
    const ids = text.split(' ').filter(Boolean).map(decodeURIComponent).slice(0, MAX_COLUMNS);
    return ids.includes('id') ? ids : ['id', ...ids];
  } catch {
    return null;
  }
}

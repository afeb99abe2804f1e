/** Which columns somebody has chosen, as text for the URL and for a cookie that the server reads. */
export const COLUMNS_COOKIE = 'sandkeeper_columns';

export const DEFAULT_COLUMNS: readonly string[] = [
  'state',
  'id',
  'template',
  'metadata',
  'age',
  'left',
  'size',
];

const MAX_COLUMNS = 24;

/** Column ids separated by spaces, each percent-encoded: a metadata key may hold anything. */
export function printColumns(ids: readonly string[]): string {
  return ids.map(encodeURIComponent).join(' ');
}

/** Reads what `printColumns` writes; `null` for nothing or nonsense. The id is always there: it names the row. */
export function parseColumns(text: string | null | undefined): readonly string[] | null {
  if (!text) return null;
  try {
    const ids = text.split(' ').filter(Boolean).map(decodeURIComponent).slice(0, MAX_COLUMNS);
    return ids.includes('id') ? ids : ['id', ...ids];
  } catch {
    return null;
  }
}

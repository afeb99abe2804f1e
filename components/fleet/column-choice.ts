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

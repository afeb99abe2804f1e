import type { IndexedSandbox } from './row-index';

/**
 * At most `limit` rows that match a search: rows whose id starts with it, then rows that contain every word of it. Empty
 * for an empty search.
 */
export function findRows(
  rows: readonly IndexedSandbox[],
  query: string,
  limit: number,
): readonly IndexedSandbox[] {
  const words = searchWords(query);
  const [first] = words;
  if (first === undefined) return [];
  const byId: IndexedSandbox[] = [];
  const byText: IndexedSandbox[] = [];
  for (const row of rows) {
    if (words.length === 1 && row.sandbox.id.toLowerCase().startsWith(first)) {
      if (byId.push(row) === limit) return byId;
    } else if (byText.length < limit && words.every((word) => row.searchText.includes(word))) {
      byText.push(row);
    }
  }
  return [...byId, ...byText].slice(0, limit);
}

export function searchWords(query: string): string[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}

import type { IndexedSandbox } from './row-index';

/**
 * At most `limit` rows for a search by a person: those whose id begins with it first, then those in which every word of
 * it is mentioned somewhere. None for an empty search.
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

/** The words of a search, in lower case. */
export function searchWords(query: string): string[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}

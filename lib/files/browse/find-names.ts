import type { Entry } from '../../sandbox/file';

/**
 * Up to `max` entries that match `query`, best first: the name starts with it, contains it, or contains its letters in
 * order. A query with a slash matches the whole path.
 */
export function findNames(entries: readonly Entry[], query: string, max: number): Entry[] {
  const wanted = query.trim().toLowerCase();
  const ranks: Entry[][] = [[], [], []];
  for (const entry of entries) {
    if (!entry.isAddressable) continue;
    const rank = rankOf((wanted.includes('/') ? entry.path : entry.name).toLowerCase(), wanted);
    if (rank !== null && (ranks[rank]?.length ?? max) < max) ranks[rank]?.push(entry);
  }
  return ranks.flat().slice(0, max);
}

function rankOf(text: string, wanted: string): 0 | 1 | 2 | null {
  if (text.startsWith(wanted)) return 0;
  if (text.includes(wanted)) return 1;
  return containsInOrder(text, wanted) ? 2 : null;
}

function containsInOrder(text: string, wanted: string): boolean {
  let at = 0;
  for (const letter of wanted) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

import type { Entry } from '../../sandbox/guest-file';

/**
 * The entries that `query` may mean, the likeliest first: whose name begins with it, holds it, holds its letters in this
 * order; a query with a slash is looked for in the whole path. At most `most`.
 */
export function findNames(entries: readonly Entry[], query: string, most: number): Entry[] {
  const wanted = query.trim().toLowerCase();
  const ranks: Entry[][] = [[], [], []];
  for (const entry of entries) {
    if (!entry.isAddressable) continue;
    const rank = rankOf((wanted.includes('/') ? entry.path : entry.name).toLowerCase(), wanted);
    if (rank !== null && (ranks[rank]?.length ?? most) < most) ranks[rank]?.push(entry);
  }
  return ranks.flat().slice(0, most);
}

function rankOf(text: string, wanted: string): 0 | 1 | 2 | null {
  if (text.startsWith(wanted)) return 0;
  if (text.includes(wanted)) return 1;
  return holdsInOrder(text, wanted) ? 2 : null;
}

function holdsInOrder(text: string, wanted: string): boolean {
  let at = 0;
  for (const letter of wanted) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

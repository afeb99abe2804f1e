import type { Kysely } from 'kysely';

/** The columns that a migration reads, as they were then. */
export type ViewsThen = {
  saved_views: { id: string; name: string; owner: string; is_shared: number; created_at_ms: number };
};

/** Names views with the same name and the same readers apart: the oldest keeps its name, the next becomes `Name (2)`. */
export async function renameDoubleViews(db: Kysely<ViewsThen>): Promise<void> {
  const views = await db
    .selectFrom('saved_views')
    .select(['id', 'name', 'owner', 'is_shared'])
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute();
  const inScope = (owner: string, isShared: number, name: string) =>
    JSON.stringify([isShared === 1 ? null : owner, name]);
  const taken = new Set(views.map(({ owner, is_shared, name }) => inScope(owner, is_shared, name)));
  const kept = new Set<string>();
  for (const { id, owner, is_shared, name } of views) {
    const key = inScope(owner, is_shared, name);
    if (!kept.has(key)) {
      kept.add(key);
      continue;
    }
    let next = name;
    for (let number = 2; taken.has(inScope(owner, is_shared, next)); number += 1)
      next = numbered(name, number);
    taken.add(inScope(owner, is_shared, next));
    await db.updateTable('saved_views').set({ name: next }).where('id', '=', id).execute();
  }
}

/** Stays within the 60 characters of a name, and cuts no character in half. */
function numbered(name: string, number: number): string {
  const suffix = ` (${number})`;
  return `${name.slice(0, 60 - suffix.length).replace(/[\uD800-\uDBFF]$/, '')}${suffix}`;
}

import 'server-only';
import { randomBytes } from 'node:crypto';
import type { ExpressionBuilder } from 'kysely';
import type { Session } from '../access/sessions';
import { database, isUniqueViolation } from '../db/client';
import type { Database } from '../db/schema';
import { SandkeeperError } from '../errors';
import { showsFilter } from '../fleet/filter/named-connections';
import type { Grants } from '../grants';
import type { SavedView } from './schema';

const MAX_VIEWS_PER_PERSON = 100;

/** The views that the person may change: their own, and for an admin the shared ones. */
const changeableBy =
  (userId: string, isAdmin: boolean) => (where: ExpressionBuilder<Database, 'saved_views'>) =>
    where.or([where('owner_id', '=', userId), ...(isAdmin ? [where('is_shared', '=', 1)] : [])]);

function noSuchView(): SandkeeperError {
  return new SandkeeperError('not_found', 'This view does not exist, or belongs to somebody else.');
}

type NewView = Pick<SavedView, 'name' | 'query' | 'isShared'>;

/** The person, and what they may see. */
type Viewer = Pick<Session, 'userId' | 'grants'>;

/**
 * The views that the person sees, by name: their own, and those of the team that name no connection which is hidden from
 * them.
 */
export async function listViews({ userId, grants }: Viewer): Promise<SavedView[]> {
  const db = await database();
  const rows = await db
    .selectFrom('saved_views')
    .innerJoin('users', 'users.id', 'saved_views.owner_id')
    .selectAll('saved_views')
    .select('users.name as owner')
    .where((where) => where.or([where('owner_id', '=', userId), where('is_shared', '=', 1)]))
    .orderBy('saved_views.name')
    .orderBy('saved_views.id')
    .execute();
  const start = await db
    .selectFrom('start_views')
    .select('view_id')
    .where('user_id', '=', userId)
    .executeTakeFirst();
  const seen = rows.filter(({ owner_id, query }) => owner_id === userId || showsView(grants, query));
  return seen.map(({ id, name, query, is_shared, owner_id, owner }) => ({
    id,
    name,
    query,
    isShared: is_shared === 1,
    owner,
    isMine: owner_id === userId,
    isStart: start?.view_id === id,
  }));
}

/**
 * Saves a view. One's own view with the same name and the same readers is replaced. Throws `conflict` if somebody else
 * shares a view of this name, or if the person has too many views.
 */
export async function saveView(userId: string, view: NewView): Promise<void> {
  if (await replaceView(userId, view)) return;
  const db = await database();
  const { count } = await db
    .selectFrom('saved_views')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('owner_id', '=', userId)
    .executeTakeFirstOrThrow();
  if (Number(count) >= MAX_VIEWS_PER_PERSON)
    throw new SandkeeperError('conflict', `You have ${MAX_VIEWS_PER_PERSON} views. Delete one first.`);
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('saved_views')
    .values({
      id: randomBytes(12).toString('base64url'),
      name: view.name,
      query: view.query,
      is_shared: view.isShared ? 1 : 0,
      owner_id: userId,
      created_at_ms: Date.now(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (Number(numInsertedOrUpdatedRows ?? 0) > 0) return;
  // The name is taken: by a save of the same person at the same instant, or by somebody else's shared view.
  if (!(await replaceView(userId, view))) throw nameTaken(view.isShared);
}

/** Returns whether the person has a view with this name and the same readers, which then has this query. */
async function replaceView(userId: string, { name, query, isShared }: NewView): Promise<boolean> {
  const db = await database();
  const replaced = await db
    .updateTable('saved_views')
    .set({ query })
    .where('owner_id', '=', userId)
    .where('name', '=', name)
    .where('is_shared', '=', isShared ? 1 : 0)
    .executeTakeFirst();
  return replaced.numUpdatedRows > 0n;
}

/**
 * Renames a view: one of the person, or any shared one for an admin. It stays the start page of those who chose it. Throws
 * `not_found`, or `conflict` if another view with the same readers has this name.
 */
export async function renameView(userId: string, isAdmin: boolean, id: string, name: string): Promise<void> {
  const db = await database();
  const view = await db
    .selectFrom('saved_views')
    .select('is_shared')
    .where('id', '=', id)
    .where(changeableBy(userId, isAdmin))
    .executeTakeFirst();
  if (!view) throw noSuchView();
  try {
    await db.updateTable('saved_views').set({ name }).where('id', '=', id).execute();
  } catch (error) {
    throw isUniqueViolation(error) ? nameTaken(view.is_shared === 1) : error;
  }
}

function nameTaken(isShared: boolean): SandkeeperError {
  const owner = isShared ? 'The team already has' : 'You already have';
  return new SandkeeperError('conflict', `${owner} a view with this name. Choose another name.`);
}

/** Deletes a view: one of the person, or any shared one for an admin. Throws `not_found`. */
export async function deleteView(userId: string, isAdmin: boolean, id: string): Promise<void> {
  const db = await database();
  const deleted = await db
    .deleteFrom('saved_views')
    .where('id', '=', id)
    .where(changeableBy(userId, isAdmin))
    .returning('id')
    .executeTakeFirst();
  if (!deleted) throw noSuchView();
  await db.deleteFrom('start_views').where('view_id', '=', id).execute();
}

/** Makes a view the start page of the person; `null`: the whole fleet. Throws `not_found` for a view that they do not see. */
export async function setStartView(viewer: Viewer, id: string | null): Promise<void> {
  const { userId } = viewer;
  const db = await database();
  if (id !== null && !(await listViews(viewer)).some((view) => view.id === id))
    throw new SandkeeperError('not_found', 'This view does not exist.');
  await db.deleteFrom('start_views').where('user_id', '=', userId).execute();
  if (id !== null) await db.insertInto('start_views').values({ user_id: userId, view_id: id }).execute();
}

/**
 * The query of the start page of the person, without the `?`. Empty for the whole fleet, also if it names a connection that
 * they no longer see.
 */
export async function startQuery(viewer: Viewer): Promise<string> {
  const query = (await listViews(viewer)).find(({ isStart }) => isStart)?.query ?? '';
  return showsView(viewer.grants, query) ? query : '';
}

function showsView(grants: Grants, query: string): boolean {
  return showsFilter(grants, new URLSearchParams(query).get('q') ?? '');
}

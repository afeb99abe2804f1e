import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { database } from '../db/client';
import type { Grants } from '../grants';
import { describeOnDatabases } from '../test-support/databases';
import { ALL } from '../test-support/people';
import { SaveViewInput } from './schema';
import { deleteView, listViews, renameView, saveView, setStartView, startQuery } from './store';

const as = (userId: string, grants: Grants = ALL) => ({ userId, grants });
const mine = { name: 'Old ones', query: 'q=age%3E2d&sort=left', isShared: false };
const shared = { name: 'Development', query: 'q=environment%3Ddevelopment', isShared: true };
const namesOf = async (actor: string) => (await listViews(as(actor))).map(({ name }) => name);
const idOf = async (actor: string, wanted: string) =>
  (await listViews(as(actor))).find(({ name }) => name === wanted)?.id ?? '';

const PEOPLE = ['ana', 'li'].map((id) => ({
  id,
  name: id,
  email: null,
  picture: null,
  is_disabled: 0,
  created_at_ms: 1,
  last_seen_at_ms: null,
}));

describeOnDatabases('saved views', () => {
  beforeAll(async () => {
    const db = await database();
    await db.insertInto('users').values(PEOPLE).execute();
  });

  beforeEach(async () => {
    const db = await database();
    await db.deleteFrom('saved_views').execute();
    await db.deleteFrom('start_views').execute();
    await saveView('ana', mine);
    await saveView('ana', shared);
  });

  it('shows a view to its owner, and to everybody if it is shared', async () => {
    expect(await listViews(as('ana'))).toMatchObject([
      { ...shared, owner: 'ana', isMine: true, isStart: false },
      { ...mine, isMine: true },
    ]);
    expect(await listViews(as('li'))).toMatchObject([{ ...shared, isMine: false }]);
  });

  it('replaces a view of the same name, but not that of somebody else', async () => {
    await saveView('ana', { ...mine, query: 'q=age%3E9d' });
    await saveView('li', { ...mine, query: 'q=owner%3Dli' });
    expect((await listViews(as('ana'))).map(({ query }) => query)).toEqual([shared.query, 'q=age%3E9d']);
    expect(await namesOf('li')).toEqual(['Development', 'Old ones']);
  });

  it('saves one view of a name, also at the same instant', async () => {
    const queries = Array.from({ length: 8 }, (_, at) => `q=age%3E${at}d`);
    for (const isShared of [false, true])
      await Promise.all(queries.map((query) => saveView('li', { name: 'Same', query, isShared })));
    const same = (await listViews(as('li'))).filter(({ name }) => name === 'Same');
    expect(same.map(({ isShared }) => isShared).sort()).toEqual([false, true]);
    for (const { query } of same) expect(queries).toContain(query);
  });

  it('refuses to share a view under a name that somebody else shares', async () => {
    const refused = { code: 'conflict', message: expect.stringContaining('The team already has') };
    await expect(saveView('li', { ...shared, query: 'q=x' })).rejects.toMatchObject(refused);
    await saveView('li', { ...shared, name: 'Staging' });
    const id = (await listViews(as('li'))).find(({ isMine }) => isMine)?.id ?? '';
    await expect(renameView('li', false, id, shared.name)).rejects.toMatchObject(refused);
    // A refusal leaves the database usable.
    await renameView('li', false, id, 'Test');
    expect(await listViews(as('ana'))).toMatchObject([shared, mine, { name: 'Test', owner: 'li' }]);
    // One's own may have any name.
    await saveView('li', { ...shared, isShared: false });
    expect(await namesOf('li')).toEqual(['Development', 'Development', 'Test']);
  });

  it('deletes only views of the person, or shared ones for an admin', async () => {
    const id = await idOf('ana', mine.name);
    const sharedId = await idOf('ana', shared.name);
    await expect(deleteView('li', false, id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(deleteView('li', true, id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(deleteView('li', false, sharedId)).rejects.toMatchObject({ code: 'not_found' });
    await deleteView('li', true, sharedId);
    await deleteView('ana', false, id);
    expect(await namesOf('ana')).toEqual([]);
  });

  it('renames only views of the person, or shared ones for an admin, and no two alike', async () => {
    const [id, sharedId] = [await idOf('ana', mine.name), await idOf('ana', shared.name)];
    for (const [actor, isAdmin, view] of [
      ['li', true, id],
      ['li', false, sharedId],
      ['ana', false, 'nothing'],
    ] as const)
      await expect(renameView(actor, isAdmin, view, 'x')).rejects.toMatchObject({ code: 'not_found' });
    await setStartView(as('ana'), id);
    await saveView('ana', { ...mine, name: 'Older ones' });
    await expect(renameView('ana', false, id, 'Older ones')).rejects.toMatchObject({ code: 'conflict' });
    // Its readers differ, so that nobody mistakes one for the other.
    await renameView('ana', false, id, shared.name);
    await renameView('li', true, sharedId, 'Staging');
    expect(await namesOf('ana')).toEqual(['Development', 'Older ones', 'Staging']);
    expect(await startQuery(as('ana'))).toBe(mine.query);
  });

  it('keeps one start page per person, and forgets it with its view', async () => {
    expect(await startQuery(as('li'))).toBe('');
    const sharedId = await idOf('li', shared.name);
    await setStartView(as('li'), sharedId);
    await setStartView(as('ana'), await idOf('ana', mine.name));
    expect([await startQuery(as('li')), await startQuery(as('ana'))]).toEqual([shared.query, mine.query]);
    await setStartView(as('ana'), null);
    expect(await startQuery(as('ana'))).toBe('');
    await expect(setStartView(as('li'), await idOf('ana', mine.name))).rejects.toMatchObject({
      code: 'not_found',
    });
    await deleteView('ana', false, sharedId);
    expect(await startQuery(as('li'))).toBe('');
  });

  it('hides views of the team that name a hidden connection, also as the start page', async () => {
    await saveView('ana', { name: 'Staging', query: 'q=connection%3Astaging&sort=age', isShared: true });
    const onLocal = { everywhere: null, on: { local: 'viewer' } } as const;
    expect((await listViews(as('li', onLocal))).map(({ name }) => name)).toEqual(['Development']);
    const id = await idOf('li', 'Staging');
    await expect(setStartView(as('li', onLocal), id)).rejects.toMatchObject({ code: 'not_found' });
    await setStartView(as('li'), id);
    expect(await startQuery(as('li'))).toContain('staging');
    expect(await startQuery(as('li', onLocal))).toBe('');
    await setStartView(as('ana'), id);
    expect(await startQuery(as('ana', onLocal))).toBe('');
  });
});

describe('SaveViewInput', () => {
  it('keeps only the filter, the sort order and the columns of a query', () => {
    const query = 'q=a%20b&sort=-age&cols=id%20age&x=1&q=2';
    expect(SaveViewInput.parse({ name: ' Mine ', query, isShared: false })).toEqual({
      name: 'Mine',
      query: 'q=a+b&sort=-age&cols=id+age',
      isShared: false,
    });
    expect(SaveViewInput.safeParse({ name: '  ', query, isShared: false }).success).toBe(false);
    expect(SaveViewInput.safeParse({ name: 'a\u0000b', query, isShared: false }).success).toBe(false);
  });
});

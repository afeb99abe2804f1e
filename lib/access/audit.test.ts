import { beforeAll, expect, it, vi } from 'vitest';
import { database } from '../db/client';
import { type Grants, NO_GRANTS } from '../grants';
import { describeOnDatabases } from '../test-support/databases';
import { localKey, setUpDataDir } from '../test-support/environment';
import { ALL, someone } from '../test-support/people';
import { type AccessSearch, WHOLE_ACCESS } from './access-filter';
import { listAccess, listAccessActors, listAccessGroups, noteAccess } from './audit';
import { deleteEntriesBefore } from './audit-chain';

setUpDataDir();

const NOW_MS = Date.parse('2026-05-01T12:00:00Z');
const HOUR_MS = 3_600_000;
const ANA = someone('ana');

async function noteAt(atMs: number, ...note: Parameters<typeof noteAccess>): Promise<void> {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(atMs);
  await noteAccess(...note);
  clock.mockRestore();
}

const list = async (search: Partial<AccessSearch> = {}) =>
  (await listAccess({ ...WHOLE_ACCESS, ...search }, ALL, NOW_MS)).entries.map(
    ({ sandboxKey, kind }) => `${sandboxKey} ${kind}`,
  );

describeOnDatabases('the access log', () => {
  beforeAll(async () => {
    await noteAt(NOW_MS - 48 * HOUR_MS, ANA, {
      kind: 'file-opened',
      sandboxKey: 'local/i1',
      path: '/a\0\n\u202E',
    });
    await noteAt(NOW_MS - 2 * HOUR_MS, someone('marek'), {
      kind: 'review-woken',
      sandboxKey: 'local/i2',
      detail: 'x',
    });
    await noteAt(NOW_MS, null, { kind: 'review-paused', sandboxKey: 'local/i2' });
    await noteAt(NOW_MS, ANA, { kind: 'searched', sandboxKey: 'local/i2' });
  });

  it('lists entries newest first', async () => {
    const { entries, older } = await listAccess(WHOLE_ACCESS, ALL, NOW_MS);
    expect(older).toBeNull();
    expect(entries).toMatchObject([
      {
        id: expect.any(String),
        atMs: NOW_MS,
        actorId: 'user-ana',
        actor: 'ana',
        kind: 'searched',
        connection: 'local',
        sandboxKey: 'local/i2',
        path: null,
        detail: null,
        request: null,
      },
      expect.objectContaining({ actor: null, kind: 'review-paused' }),
      expect.objectContaining({ actor: 'marek', kind: 'review-woken', detail: 'x' }),
      expect.objectContaining({ atMs: NOW_MS - 48 * HOUR_MS, path: '/a\uFFFD\n\u202E' }),
    ]);
    expect(await listAccessActors(ALL)).toEqual(['ana', 'marek']);
  });

  it('filters by person, kind, sandbox and time', async () => {
    expect(await list({ by: 'ana' })).toEqual(['local/i2 searched', 'local/i1 file-opened']);
    expect(await list({ kind: 'review-woken' })).toEqual(['local/i2 review-woken']);
    for (const sandbox of ['i1', 'local/i1'])
      expect(await list({ sandbox })).toEqual(['local/i1 file-opened']);
    expect(await list({ sandbox: 'other/i1' })).toEqual([]);
    expect(await list({ within: '24h' })).toHaveLength(3);
    expect(await list({ toMs: NOW_MS - HOUR_MS, fromMs: NOW_MS - 24 * HOUR_MS })).toEqual([
      'local/i2 review-woken',
    ]);
    expect(await list({ by: 'nobody' })).toEqual([]);
    expect([await list({ by: 'a\0' }), await list({ sandbox: '\0' })]).toEqual([[], []]);
  });

  it('lists page by page', async () => {
    const seen: string[] = [];
    let before: AccessSearch['before'] = null;
    do {
      const page = await listAccess({ ...WHOLE_ACCESS, before }, ALL, NOW_MS, 1);
      seen.push(...page.entries.map(({ kind }) => kind));
      before = page.older;
    } while (before !== null);
    expect(seen).toEqual(['searched', 'review-paused', 'review-woken', 'file-opened']);
  });

  it('shows what one operation did as one group, and continues it on the next page', async () => {
    const search = { ...WHOLE_ACCESS, toMs: NOW_MS - 71 * HOUR_MS };
    const atMs = NOW_MS - 72 * HOUR_MS;
    await noteAt(atMs, ANA, { kind: 'file-opened', sandboxKey: 'local/i9', path: '/a' });
    for (let at = 0; at < 12; at += 1) {
      const note = { sandboxKey: localKey(`ik${at}`), request: 'kill-1' };
      await noteAt(atMs + at, ANA, { ...note, kind: 'review-woken' });
      await noteAt(atMs + at, ANA, { ...note, kind: 'exported', path: '~' });
      await noteAt(atMs + at, null, { ...note, kind: 'review-ended' });
    }
    const { groups, older } = await listAccessGroups(search, ALL, NOW_MS);
    expect(older).toBeNull();
    expect(groups).toMatchObject([
      {
        actor: 'ana',
        request: 'kill-1',
        sandboxCount: 12,
        entryCount: 36,
        atMs: atMs + 11,
        kinds: [
          { kind: 'review-ended', count: 12 },
          { kind: 'exported', count: 12 },
          { kind: 'review-woken', count: 12 },
        ],
      },
      { request: null, entryCount: 1, entries: [{ sandboxKey: 'local/i9', path: '/a' }] },
    ]);
    const first = await listAccessGroups(search, ALL, NOW_MS, 1);
    expect(first.groups).toHaveLength(1);
    const second = await listAccessGroups({ ...search, before: first.older }, ALL, NOW_MS, 1);
    expect(second).toMatchObject({ groups: [{ entryCount: 1 }], older: null });
    const db = await database();
    await db
      .deleteFrom('access_log')
      .where('at_ms', '<', atMs + 1_000)
      .execute();
  });

  it('skips unknown kinds', async () => {
    const db = await database();
    const facts = { address: null, user_agent: null, session_id: null, request_id: null };
    const empty = { path: null, detail: null, request: null, seq: null, hash: null, ...facts };
    const row = {
      id: 'later',
      at_ms: NOW_MS,
      actor_id: 'user-ana',
      actor: 'ana',
      sandbox_key: localKey('i3'),
      ...empty,
    };
    await db
      .insertInto('access_log')
      .values({ ...row, kind: 'dreamt' })
      .execute();
    expect(await list({ sandbox: 'i3' })).toEqual([]);
  });

  it('deletes only entries older than the given time', async () => {
    await deleteEntriesBefore(NOW_MS - 24 * HOUR_MS);
    expect(await list()).toEqual(['local/i2 searched', 'local/i2 review-paused', 'local/i2 review-woken']);
  });

  it('throws if an access cannot be recorded', async () => {
    const db = await database();
    await db.schema.alterTable('access_log').renameTo('away').execute();
    await expect(noteAccess(ANA, { kind: 'searched', sandboxKey: 'local/i1' })).rejects.toThrow();
    await db.schema.alterTable('away').renameTo('access_log').execute();
  });
});

describeOnDatabases('the access log of a person with roles on some connections', () => {
  const onLocal: Grants = { everywhere: null, on: { local: 'viewer', cloud: 'operator' } };
  const detail = 'SIGKILL to 12: curl -H token=abc';

  beforeAll(async () => {
    const db = await database();
    const involve = (operation_id: string, ...connections: string[]) =>
      db
        .insertInto('operation_connections')
        .values(connections.map((connection) => ({ operation_id, connection })))
        .execute();
    await involve('wide', 'local', 'staging');
    await involve('narrow', 'local');
    await noteAt(NOW_MS - 6, ANA, { kind: 'process-signalled', sandboxKey: 'local/i1', detail });
    await noteAt(NOW_MS - 5, ANA, { kind: 'process-signalled', sandboxKey: 'cloud/i1', detail });
    await noteAt(NOW_MS - 4, someone('li'), { kind: 'file-opened', sandboxKey: 'staging/i1', path: '/x' });
    await noteAt(NOW_MS - 3, null, { kind: 'exported', sandboxKey: 'local/i1', request: 'wide' });
    await noteAt(NOW_MS - 2, null, { kind: 'exported', sandboxKey: 'local/i1', request: 'narrow' });
  });

  it('has only rows of connections that they see', async () => {
    const { entries } = await listAccess(WHOLE_ACCESS, onLocal, NOW_MS);
    expect(entries.map(({ sandboxKey, detail, request }) => [sandboxKey, detail, request])).toEqual([
      ['local/i1', null, 'narrow'],
      ['local/i1', null, null],
      ['cloud/i1', detail, null],
      ['local/i1', 'SIGKILL to 12: curl …', null],
    ]);
    const { groups } = await listAccessGroups(WHOLE_ACCESS, onLocal, NOW_MS);
    expect(JSON.stringify(groups)).not.toMatch(/staging|wide/);
    expect(await listAccessActors(onLocal)).toEqual(['ana']);
    expect((await listAccess(WHOLE_ACCESS, NO_GRANTS, NOW_MS)).entries).toEqual([]);
  });

  it('shows rows without a connection to admins of everything alone', async () => {
    await noteAt(NOW_MS - 1, someone('mia'), {
      kind: 'searched',
      sandboxKey: 'local/inone',
      path: '/nowhere',
    });
    const db = await database();
    await db.updateTable('access_log').set({ connection: null }).where('path', '=', '/nowhere').execute();
    const actorsFor = (grants: Grants) => listAccessActors(grants);
    expect(await actorsFor(ALL)).toEqual(['ana', 'li', 'mia']);
    expect(await actorsFor({ everywhere: 'operator', on: {} })).toEqual(['ana', 'li']);
    expect(await actorsFor({ everywhere: null, on: { local: 'admin' } })).toEqual(['ana']);
  });
});

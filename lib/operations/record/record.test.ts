import { beforeAll, describe, expect, it } from 'vitest';
import { database } from '../../db/client';
import { rowWith } from '../../fleet/test-fleet';
import { type Grants, NO_GRANTS } from '../../grants';
import { connectionOf, type SandboxKey } from '../../sandbox-key';
import { describeOnDatabases } from '../../test-support/databases';
import { localKey } from '../../test-support/environment';
import { ALL } from '../../test-support/people';
import type { Outcome } from '../schema';
import { type LogSearch, passesSearch, WHOLE_LOG } from './log-filter';
import {
  findRecord,
  findRetries,
  hasOperations,
  type LogEntry,
  listActors,
  listOperations,
  listRecorded,
  recordOf,
} from './record';

const NOW_MS = Date.parse('2026-01-15T12:00:00Z');
const MINUTE_MS = 60_000;

type Seed = {
  id: string;
  minutesAgo: number;
  /** Outcomes by the ids of local sandboxes, or by keys. */
  items: Record<string, Outcome>;
  act?: string;
  actor?: string;
  state?: 'running' | 'finished';
  cancelledBy?: string;
  retryOf?: string;
  params?: object;
  filter?: string;
};

/** Records an operation with outcomes. */
async function seed({ id, minutesAgo, items, act = 'kill', actor = 'ana', ...more }: Seed): Promise<void> {
  const db = await database();
  const createdAtMs = NOW_MS - minutesAgo * MINUTE_MS;
  const state = more.state ?? 'finished';
  await db
    .insertInto('operations')
    .values({
      id,
      act,
      actor_id: `user-${actor}`,
      actor,
      state,
      params: JSON.stringify(more.params ?? { graceMs: 1_000 }),
      filter: more.filter ?? 'owner=ü',
      reason: 'nightly leftovers',
      created_at_ms: createdAtMs,
      starts_at_ms: createdAtMs + 5_000,
      finished_at_ms: state === 'finished' ? createdAtMs + 9_000 : null,
      cancelled_at_ms: more.cancelledBy ? createdAtMs + 6_000 : null,
      cancelled_by: more.cancelledBy ?? null,
      retry_of: more.retryOf ?? null,
    })
    .execute();
  const rows = Object.entries(items).map(([sandboxId, outcome], position) => ({
    operation_id: id,
    sandbox_key: sandboxId.includes('/') ? (sandboxId as SandboxKey) : localKey(sandboxId),
    position,
    sandbox: JSON.stringify(rowWith({ id: sandboxId, metadata: { owner: 'ü' } }).sandbox),
    outcome,
    message: outcome === 'failed' ? 'It is still running.' : null,
    updated_at_ms: createdAtMs,
    took_ms: outcome === 'done' ? 80 : null,
    claimed_by: null,
    claimed_until_ms: 0,
  }));
  for (const row of rows) await db.insertInto('operation_items').values(row).execute();
  for (const connection of new Set(rows.map(({ sandbox_key }) => connectionOf(sandbox_key))))
    await db.insertInto('operation_connections').values({ operation_id: id, connection }).execute();
}

const idsOf = (entries: LogEntry[]) => entries.map(({ operation }) => operation.id);
async function idsFor(search: Partial<LogSearch>): Promise<string[]> {
  return idsOf((await listOperations({ ...WHOLE_LOG, ...search }, ALL, NOW_MS)).entries);
}

describeOnDatabases('the record', () => {
  beforeAll(async () => {
    await seed({
      id: 'old',
      minutesAgo: 3 * 24 * 60,
      items: { a: 'done', b: 'done', c: 'failed', d: 'already' },
    });
    await seed({ id: 'retry', minutesAgo: 60, items: { c: 'done' }, actor: 'li', retryOf: 'old' });
    await seed({ id: 'pause', minutesAgo: 30, items: { e: 'unknown', f: 'done' }, act: 'pause' });
    await seed({
      id: 'stopped',
      minutesAgo: 30,
      items: { a: 'cancelled', g: 'sending' },
      state: 'running',
      cancelledBy: 'li',
    });
    await seed({ id: 'later', minutesAgo: 1, items: { x: 'done' }, act: 'embalm' });
  });

  it('returns all fields of an operation', async () => {
    expect(await findRecord('stopped', ALL)).toEqual({
      id: 'stopped',
      act: 'kill',
      params: { graceMs: 1_000 },
      actorId: 'user-ana',
      actor: 'ana',
      reason: 'nightly leftovers',
      filter: 'owner=ü',
      state: 'running',
      createdAtMs: NOW_MS - 30 * MINUTE_MS,
      startsAtMs: NOW_MS - 30 * MINUTE_MS + 5_000,
      finishedAtMs: null,
      cancelledAtMs: NOW_MS - 30 * MINUTE_MS + 6_000,
      cancelledBy: 'li',
      retryOf: null,
      connections: ['local'],
      counts: {
        ...{ waiting: 0, sending: 1, done: 0, partial: 0, already: 0, skipped: 0 },
        ...{ cancelled: 1, denied: 0, failed: 0, unknown: 0 },
      },
    });
    expect((await findRecord('old', ALL))?.counts).toMatchObject({ done: 2, failed: 1, already: 1 });
    expect(await findRecord('never', ALL)).toBeNull();
  });

  it('keeps sandboxes as planned, in plan order', async () => {
    const items = await listRecorded('old');
    expect(items.map(({ sandboxKey, outcome }) => [sandboxKey, outcome])).toEqual([
      ['local/a', 'done'],
      ['local/b', 'done'],
      ['local/c', 'failed'],
      ['local/d', 'already'],
    ]);
    expect(items[2]).toEqual({
      sandboxKey: 'local/c',
      outcome: 'failed',
      message: 'It is still running.',
      tookMs: null,
      sandbox: rowWith({ id: 'c', metadata: { owner: 'ü' } }).sandbox,
    });
    expect(items[0]?.tookMs).toBe(80);
    expect(await listRecorded('old', 2)).toEqual(items.slice(0, 2));
    expect(await listRecorded('never')).toEqual([]);
  });

  it('lists newest first, with counts, and the key of a single sandbox', async () => {
    const { entries, older } = await listOperations(WHOLE_LOG, ALL, NOW_MS);
    expect(idsOf(entries)).toEqual(['stopped', 'pause', 'retry', 'old']);
    expect(entries.map(({ sandboxKey }) => sandboxKey)).toEqual([null, null, 'local/c', null]);
    expect(entries[1]?.operation.counts).toMatchObject({ done: 1, unknown: 1, failed: 0 });
    expect(older).toBeNull();
  });

  describe('filtered', () => {
    it.each<[Partial<LogSearch>, string[]]>([
      [{ by: 'li' }, ['retry']],
      [{ by: 'LI' }, []],
      [{ by: 'li\0' }, []],
      [{ act: 'pause' }, ['pause']],
      [{ state: 'running' }, ['stopped']],
      [{ state: 'finished' }, ['pause', 'retry', 'old']],
      [{ state: 'cancelled' }, ['stopped']],
      [{ state: 'troubled' }, ['pause', 'old']],
      [{ sandbox: 'c' }, ['retry', 'old']],
      [{ sandbox: 'c', by: 'ana' }, ['old']],
      [{ sandbox: 'local/c' }, ['retry', 'old']],
      [{ sandbox: 'other/c' }, []],
      [{ sandbox: 'other/local/c' }, []],
      [{ sandbox: '%' }, []],
      [{ sandbox: '_' }, []],
      [{ sandbox: "c' or '1'='1" }, []],
      [{ within: '1h' }, ['stopped', 'pause', 'retry']],
      [{ within: '24h', fromMs: NOW_MS }, ['stopped', 'pause', 'retry']],
      [{ fromMs: NOW_MS - 30 * MINUTE_MS }, ['stopped', 'pause']],
      [{ toMs: NOW_MS - 60 * MINUTE_MS }, ['retry', 'old']],
      [{ fromMs: NOW_MS - 61 * MINUTE_MS, toMs: NOW_MS - 59 * MINUTE_MS }, ['retry']],
    ])('by %j lists %j, and filters live operations the same way', async (search, ids) => {
      expect(await idsFor(search)).toEqual(ids);
      const asked = { ...WHOLE_LOG, ...search };
      const all = (await listOperations(WHOLE_LOG, ALL, NOW_MS)).entries;
      const passing = [];
      for (const { operation } of all) {
        const keys = (await listRecorded(operation.id)).map(({ sandboxKey }) => sandboxKey);
        if (passesSearch(operation, keys, asked, NOW_MS)) passing.push(operation.id);
      }
      expect(passing).toEqual(ids);
    });
  });

  it('pages without gaps or duplicates, even for equal times', async () => {
    const seen: string[] = [];
    let before: LogSearch['before'] = null;
    do {
      const page = await listOperations({ ...WHOLE_LOG, before }, ALL, NOW_MS, 1);
      seen.push(...idsOf(page.entries));
      before = page.older;
    } while (before !== null);
    expect(seen).toEqual(['stopped', 'pause', 'retry', 'old']);
  });

  it('lists people who have started operations', async () => {
    expect(await listActors(ALL)).toEqual(['ana', 'li']);
  });

  it('finds retries, and whether a sandbox has operations', async () => {
    expect((await findRetries('old', ALL)).map(({ id, counts }) => [id, counts.done])).toEqual([
      ['retry', 1],
    ]);
    expect(await findRetries('retry', ALL)).toEqual([]);
    expect(await hasOperations('local/c', ALL)).toBe(true);
    expect(await hasOperations('other/c', ALL)).toBe(false);
    expect(await hasOperations('local/nobody', ALL)).toBe(false);
  });
});

describeOnDatabases('the record of a person with roles on some connections', () => {
  const onLocal: Grants = { everywhere: null, on: { local: 'viewer', cloud: 'operator' } };
  const params = { command: 'curl -H token=abc', cwd: '/' };

  beforeAll(async () => {
    await seed({ id: 'mine', minutesAgo: 9, items: { a: 'done' }, act: 'run', params });
    await seed({ id: 'cloud', minutesAgo: 8, items: { 'cloud/a': 'done' }, act: 'run', params });
    await seed({ id: 'hidden', minutesAgo: 7, items: { 'staging/a': 'done' }, actor: 'li' });
    await seed({
      id: 'both',
      minutesAgo: 6,
      items: { a: 'failed', b: 'failed', 'staging/a': 'done' },
      actor: 'zoe',
    });
    await seed({
      id: 'part',
      minutesAgo: 5,
      items: { b: 'done' },
      retryOf: 'both',
      filter: 'connection:local,staging',
    });
    await seed({
      id: 'wider',
      minutesAgo: 4,
      items: { a: 'done', 'staging/b': 'done' },
      retryOf: 'mine',
      actor: 'zoe',
    });
  });

  it('has only operations of which they see every connection', async () => {
    const page = await listOperations(WHOLE_LOG, onLocal, NOW_MS);
    expect(idsOf(page.entries)).toEqual(['part', 'cloud', 'mine']);
    expect(await listActors(onLocal)).toEqual(['ana']);
    for (const id of ['hidden', 'both', 'wider']) {
      expect(await findRecord(id, onLocal)).toBeNull();
      await expect(recordOf(id, onLocal)).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(idsOf((await listOperations(WHOLE_LOG, NO_GRANTS, NOW_MS)).entries)).toEqual([]);
    expect((await listOperations(WHOLE_LOG, ALL, NOW_MS)).entries).toHaveLength(6);
  });

  it('names no hidden operation or connection', async () => {
    const part = await findRecord('part', onLocal);
    expect(part).toMatchObject({ retryOf: null, filter: '', connections: ['local'] });
    expect(await findRecord('part', ALL)).toMatchObject({
      retryOf: 'both',
      filter: 'connection:local,staging',
    });
    expect(JSON.stringify([part, await findRetries('mine', onLocal)])).not.toMatch(/staging|both|zoe/);
    expect((await findRetries('mine', ALL)).map(({ id }) => id)).toEqual(['wider']);
    expect(await hasOperations('local/b', onLocal)).toBe(true);
    expect(await hasOperations('staging/a', onLocal)).toBe(false);
  });

  it('shows the arguments of a command only with the role for it', async () => {
    expect(await findRecord('mine', onLocal)).toMatchObject({
      params: { command: 'curl …' },
      hidesCommand: true,
    });
    expect(await findRecord('cloud', onLocal)).toMatchObject({ params });
    const [, , mine] = (await listOperations(WHOLE_LOG, onLocal, NOW_MS)).entries;
    expect(mine?.operation.params.command).toBe('curl …');
  });

  it('tells how the sandboxes of an operation are spread over connections', async () => {
    const items: Seed['items'] = { 'e2b-2/b': 'done', 'prod/a': 'done', 'prod/c': 'failed' };
    await seed({ id: 'spread', minutesAgo: 1, items });
    const { entries } = await listOperations({ ...WHOLE_LOG, sandbox: 'prod/a' }, ALL, NOW_MS);
    expect(entries.map(({ operation, split }) => [operation.id, split])).toEqual([
      [
        'spread',
        [
          { name: 'prod', count: 2 },
          { name: 'e2b-2', count: 1 },
        ],
      ],
    ]);
  });
});

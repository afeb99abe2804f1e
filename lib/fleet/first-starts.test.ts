import { beforeEach, expect, it } from 'vitest';
import { database } from '../db/client';
import { keyOf } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { localKey } from '../test-support/environment';
import { parseFilter } from './filter/filter';
import { compileFilter } from './filter/match';
import { FirstStarts } from './first-starts';
import { indexSandbox } from './row-index';
import { NOW_MS, rowWith } from './test-fleet';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const created = { ...rowWith({ id: 'a' }).sandbox, startedAtMs: NOW_MS - 3 * HOUR_MS };
const resumed = { ...created, startedAtMs: NOW_MS - HOUR_MS };
const isPresent = () => true;

describeOnDatabases('first starts', () => {
  beforeEach(async () => void (await (await database()).deleteFrom('first_starts').execute()));

  it('remember the first start over a resume, so that the age goes on', () => {
    const firsts = new FirstStarts('local');
    expect(firsts.complete(created, NOW_MS)).toBe(created);
    const row = indexSandbox(firsts.complete(resumed, NOW_MS), { serviceAheadMs: 0 });
    expect(row.sandbox.firstStartedAtMs).toBe(created.startedAtMs);
    const matches = (text: string) => compileFilter(parseFilter(text).filter)(row, NOW_MS);
    expect(['age>2h', 'age<2h', 'up>2h', 'up<2h'].map(matches)).toEqual([true, false, false, true]);
  });

  it('survive a restart of the server during which the sandbox was resumed', async () => {
    const before = new FirstStarts('local');
    await before.load(NOW_MS);
    before.complete(created, NOW_MS);
    await before.save(isPresent, NOW_MS);
    const after = new FirstStarts('local');
    // Rows may arrive before the database answers, and are then completed again.
    expect(after.complete(resumed, NOW_MS).firstStartedAtMs).toBeUndefined();
    await after.save(isPresent, NOW_MS);
    expect(await after.load(NOW_MS)).toBe(true);
    expect(after.complete(resumed, NOW_MS).firstStartedAtMs).toBe(created.startedAtMs);
    await after.save(isPresent, NOW_MS);
    const [stored] = await (await database()).selectFrom('first_starts').selectAll().execute();
    expect(Number(stored?.first_started_at_ms)).toBe(created.startedAtMs);
  });

  it('use the time of the first reading if the service reports no start', () => {
    const firsts = new FirstStarts('local');
    const silent = { ...created, startedAtMs: null };
    firsts.complete(silent, NOW_MS - HOUR_MS);
    expect(firsts.complete(silent, NOW_MS).firstStartedAtMs).toBe(NOW_MS - HOUR_MS);
  });

  it('forget a sandbox that has been gone for a month', async () => {
    const firsts = new FirstStarts('local');
    await firsts.load(NOW_MS);
    firsts.complete(created, NOW_MS);
    await firsts.save(isPresent, NOW_MS);
    await firsts.save(() => false, NOW_MS);
    await new FirstStarts('local').load(NOW_MS + 29 * DAY_MS);
    expect(await (await database()).selectFrom('first_starts').selectAll().execute()).toHaveLength(1);
    await new FirstStarts('local').load(NOW_MS + 31 * DAY_MS);
    expect(await (await database()).selectFrom('first_starts').selectAll().execute()).toEqual([]);
  });

  it('of one connection leave those of another alone, also one whose name begins alike', async () => {
    for (const name of ['local', 'local-2']) {
      const firsts = new FirstStarts(name);
      await firsts.load(NOW_MS);
      firsts.complete({ ...created, key: keyOf(name, 'a') }, NOW_MS);
      await firsts.save(isPresent, NOW_MS);
    }
    const local = new FirstStarts('local');
    await local.load(NOW_MS);
    await local.save(() => false, NOW_MS);
    const stored = await (await database()).selectFrom('first_starts').selectAll().execute();
    expect(new Map(stored.map((row) => [row.sandbox_key, row.gone_at_ms !== null]))).toEqual(
      new Map([
        ['local/a', true],
        ['local-2/a', false],
      ]),
    );
    const other = new FirstStarts('local-2');
    await other.load(NOW_MS);
    const again = { ...resumed, key: keyOf('local-2', 'a') };
    expect(other.complete(again, NOW_MS).firstStartedAtMs).toBe(created.startedAtMs);
  });

  it('store many sandboxes', async () => {
    const firsts = new FirstStarts('local');
    await firsts.load(NOW_MS);
    for (let at = 0; at < 1_200; at += 1)
      firsts.complete({ ...created, key: localKey(`s${at}`), id: `s${at}` }, NOW_MS);
    await firsts.save(isPresent, NOW_MS);
    expect(await (await database()).selectFrom('first_starts').selectAll().execute()).toHaveLength(1_200);
  });
});

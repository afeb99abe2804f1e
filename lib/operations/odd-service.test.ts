import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Session } from '../access/sessions';
import { parseFilter } from '../fleet/filter/filter';
import { compileFilter } from '../fleet/filter/match';
import { indexSandbox } from '../fleet/row-index';
import { fleetWatcher } from '../fleet/watcher';
import type { SandboxAct } from '../sandbox/can';
import { eventually, setUpDataDir } from '../test-support/environment';
import { fakeRow, reply, setUpFakeService } from '../test-support/fake-service';
import { operateNow, planOperation, startPlanned } from './operate';
import { listItems } from './record/store';
import type { Operation } from './schema';
import { operationRunner } from './work/runner';

/** Operations on a service whose list is not as documented. */

setUpDataDir();
process.env.SANDKEEPER_CANCEL_WINDOW_SECONDS = '0';
const service = setUpFakeService();
const session: Session = { id: 'session-1', role: 'admin', actor: 'ana', expiresAtMs: 0 };

beforeEach(() => {
  service.reset();
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
});
afterAll(async () => {
  await operationRunner().close();
  await fleetWatcher().close();
});

const ids = (count: number, prefix = 'i') => Array.from({ length: count }, (_, at) => `${prefix}${at}`);
const plan = (act: SandboxAct, sandboxIds: string[]) =>
  planOperation(session, { act, sandboxIds, params: {}, retryOf: null });

async function finish({ id }: Operation): Promise<string[]> {
  await eventually(async () =>
    (await listItems(id)).every(({ outcome }) => outcome !== 'waiting' && outcome !== 'sending'),
  );
  return (await listItems(id)).map(({ outcome, message }) =>
    message === null ? outcome : `${outcome}: ${message}`,
  );
}

async function kill(sandboxIds: string[]): Promise<string[]> {
  const { token, mustType } = await plan('kill', sandboxIds);
  const typed = mustType ?? '';
  return finish(await startPlanned(session, { token, act: 'kill', typed, reason: '', filter: '' }));
}

describe('rows that lack values', () => {
  const BARE = { templateID: undefined, startedAt: undefined, cpuCount: undefined, memoryMB: null };
  const odd = () => [
    fakeRow('nullstate', { state: null }),
    fakeRow('nostate', { state: undefined }),
    fakeRow('emptyend', { endAt: '' }),
    fakeRow('noend', { endAt: undefined }),
    fakeRow('wrongtypes', {
      endAt: 12,
      startedAt: {},
      state: ['running'],
      metadata: 'x',
      alias: 7,
      cpuCount: 'two',
    }),
    fakeRow('zerotime', { startedAt: '0001-01-01T00:00:00Z', metadata: { owner: 'ana', n: 1, none: null } }),
    { sandboxID: 'bare', ...BARE },
  ];

  it('are listed, filtered and killed', async () => {
    service.rows = odd();
    const all = service.rows.map(({ sandboxID }) => sandboxID);
    await fleetWatcher().ready(5_000);
    fleetWatcher().refresh();
    await eventually(() => fleetWatcher().snapshot().sandboxes.length === all.length);
    const { sandboxes, status } = fleetWatcher().snapshot();
    expect(status).toMatchObject({ unreadable: 0, problem: null });
    const matching = (text: string) => {
      const parsed = parseFilter(text);
      if (!parsed.ok) throw new Error(text);
      const test = compileFilter(parsed.filter);
      return sandboxes.filter((sandbox) => test(indexSandbox(sandbox), Date.now())).map(({ id }) => id);
    };
    expect(matching('state:unknown')).toEqual(['nullstate', 'nostate', 'wrongtypes', 'bare']);
    expect(matching('age>30m')).toEqual(['nullstate', 'nostate', 'emptyend', 'noend']);
    expect(matching('left<2h')).toEqual(['nullstate', 'nostate', 'zerotime']);
    expect(matching('n=1 none=null')).toEqual(['zerotime']);
    expect(matching('id:bare,noend')).toEqual(['noend', 'bare']);
    expect(await kill(all)).toEqual(all.map(() => 'done'));
    expect(service.rows).toEqual([]);
  });

  it('are killed in bulks that read the list', async () => {
    service.rows = [...odd(), ...ids(20).map((id) => fakeRow(id, { state: null, endAt: '' }))];
    const all = service.rows.map(({ sandboxID }) => sandboxID);
    expect(new Set(await kill(all))).toEqual(new Set(['done']));
    expect(service.rows).toEqual([]);
  });
});

describe('a list and details that disagree', () => {
  it.each([1, 6, 10])('kills all %i that the plan shows', async (count) => {
    const all = ids(count, `few${count}-`);
    service.rows = all.map((id) => fakeRow(id, { state: 'pausing' }));
    for (const id of all) service.details.set(id, { state: 'running' });
    expect((await plan('kill', all)).targets.map(({ state }) => state)).toEqual(all.map(() => 'running'));
    // Readings of the list arrive between the plan and the kill.
    fleetWatcher().refresh();
    expect(await kill(all)).toEqual(all.map(() => 'done'));
    expect(service.rows).toEqual([]);
  });

  it('plans a few targets of many requested ids from the source that the work reads', async () => {
    const [running, paused] = [ids(3, 'running'), ids(9, 'paused')];
    service.rows = [
      ...running.map((id) => fakeRow(id)),
      ...paused.map((id) => fakeRow(id, { state: 'paused' })),
    ];
    for (const id of running) service.details.set(id, { startedAt: '2026-01-01T00:00:00Z' });
    const input = { act: 'pause' as const, sandboxIds: [...running, ...paused], params: {}, retryOf: null };
    const { operation, skipped } = await operateNow(session, input, '');
    expect(skipped).toHaveLength(9);
    expect(await finish(operation)).toEqual(['done', 'done', 'done']);
  });

  it('kills many that the list shows in a state unknown to this version', async () => {
    const all = ids(15, 'many');
    service.rows = all.map((id) => fakeRow(id, { state: 'pausing' }));
    for (const id of all) service.details.set(id, { state: 'running' });
    expect(new Set(await kill(all))).toEqual(new Set(['done']));
  });
});

describe('a list that does not end', () => {
  it('allows operations on a few sandboxes, which are read one by one, and refuses more', async () => {
    service.rows = ids(30, 'real').map((id) => fakeRow(id));
    let made = 0;
    service.answer = ({ url = '' }, response) => {
      if (!url.startsWith('/v2/sandboxes')) return false;
      made += 1;
      const page = [...service.rows.slice(0, 5), fakeRow(`i${made % 40}`)];
      reply(response, 200, page, { 'x-next-token': `${made}` });
      return true;
    };
    await fleetWatcher().ready(5_000);
    fleetWatcher().refresh();
    await eventually(() => fleetWatcher().isEndless);
    expect(await kill(ids(10, 'real'))).toEqual(ids(10).map(() => 'done'));
    expect(service.rows).toHaveLength(20);
    await expect(plan('kill', ids(11, 'real'))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('at most 10 sandboxes'),
    });
  });
});

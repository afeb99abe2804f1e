import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { allFleets } from '../fleet/all-fleets';
import { countFacets, metadataKeysOf } from '../fleet/filter/facets';
import { parseFilter } from '../fleet/filter/filter';
import { compileFilter } from '../fleet/filter/match';
import { indexSandbox } from '../fleet/row-index';
import { firstScreen } from '../fleet/view';
import { fleetWatcher } from '../fleet/watchers';
import type { SandboxAct } from '../sandbox/can';
import { metadataFrom } from '../sandbox/metadata';
import { sandboxApi } from '../sandbox-api/configured';
import { eventually, localKey, setUpDataDir } from '../test-support/environment';
import { fakeRow, reply, setUpFakeService } from '../test-support/fake-service';
import { someone } from '../test-support/people';
import { operateNow, planOperation, startPlanned, stopOperation } from './operate';
import { listRecorded } from './record/record';
import { listItems } from './record/store';
import type { Hold, Operation } from './schema';
import { operationRunner } from './work/runner';

/** Operations on a service whose list is not as documented. */

setUpDataDir();
process.env.SANDKEEPER_CANCEL_WINDOW_SECONDS = '0';
const service = setUpFakeService();
const session = someone('ana');

beforeEach(() => {
  service.reset();
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
});
afterAll(async () => {
  await operationRunner().close();
  await fleetWatcher('local').close();
});

const ids = (count: number, prefix = 'i') => Array.from({ length: count }, (_, at) => `${prefix}${at}`);
const plan = (act: SandboxAct, sandboxIds: readonly string[]) =>
  planOperation(session, { act, sandboxKeys: sandboxIds.map(localKey), params: {}, retryOf: null });

async function finish({ id }: Operation): Promise<string[]> {
  await eventually(async () =>
    (await listItems(id)).every(({ outcome }) => outcome !== 'waiting' && outcome !== 'sending'),
  );
  return (await listItems(id)).map(({ outcome, message }) =>
    message === null ? outcome : `${outcome}: ${message}`,
  );
}

async function kill(sandboxIds: readonly string[]): Promise<string[]> {
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
    await fleetWatcher('local').ready(5_000);
    fleetWatcher('local').refresh();
    await eventually(() => fleetWatcher('local').snapshot().sandboxes.length === all.length);
    const { sandboxes, status } = fleetWatcher('local').snapshot();
    expect(status).toMatchObject({ unreadable: 0, problem: null });
    const matching = (text: string) => {
      const parsed = parseFilter(text);
      if (!parsed.ok) throw new Error(text);
      const test = compileFilter(parsed.filter);
      return sandboxes
        .filter((sandbox) => test(indexSandbox(sandbox, status), Date.now()))
        .map(({ id }) => id);
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

it('keeps the metadata key __proto__ from the creation to the list, the filter, the columns and the record', async () => {
  let created = '';
  service.answer = ({ method, url }, response) => {
    if (method !== 'POST' || url !== '/sandboxes') return false;
    created = service.requests.at(-1)?.body ?? '';
    reply(response, 201, { sandboxID: 'made' });
    return true;
  };
  const pairs = [['__proto__', 'ana'] as const, ['constructor', 'li'] as const];
  const metadata = metadataFrom(pairs);
  await sandboxApi('local').createSandbox({
    template: 'base',
    metadata,
    timeoutMs: 60_000,
    autoPause: false,
  });
  expect(created).toContain('"metadata":{"__proto__":"ana","constructor":"li"}');
  service.rows = [fakeRow('special', { metadata: JSON.parse(created).metadata })];
  await fleetWatcher('local').ready(5_000);
  fleetWatcher('local').refresh();
  await eventually(() => fleetWatcher('local').find('local/special') !== undefined);
  // As the browser receives it.
  const [row] = JSON.parse(
    JSON.stringify(
      fleetWatcher('local')
        .snapshot()
        .sandboxes.filter(({ id }) => id === 'special'),
    ),
  );
  expect(Object.entries(row.metadata)).toEqual(pairs);
  const indexed = indexSandbox(row, { serviceAheadMs: 0 });
  expect(metadataKeysOf(countFacets([indexed])).map(({ key }) => key)).toEqual(['__proto__', 'constructor']);
  const parsed = parseFilter('__proto__=ana');
  expect(parsed.ok && compileFilter(parsed.filter)(indexed, 0)).toBe(true);
  const { token } = await plan('kill', ['special']);
  const operation = await startPlanned(session, { token, act: 'kill', typed: '', reason: '', filter: '' });
  expect(await finish(operation)).toEqual(['done']);
  const [item] = await listRecorded(operation.id);
  expect(Object.entries(item?.sandbox.metadata ?? {})).toEqual(pairs);
});

describe('a list and details that disagree', () => {
  it.each([1, 6, 10])('kills all %i that the plan shows', async (count) => {
    const all = ids(count, `few${count}-`);
    service.rows = all.map((id) => fakeRow(id, { state: 'pausing' }));
    for (const id of all) service.details.set(id, { state: 'running' });
    expect((await plan('kill', all)).targets.map(({ state }) => state)).toEqual(all.map(() => 'running'));
    // Readings of the list arrive between the plan and the kill.
    fleetWatcher('local').refresh();
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
    const sandboxKeys = [...running, ...paused].map(localKey);
    const input = { act: 'pause' as const, sandboxKeys, params: {}, retryOf: null };
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
    await fleetWatcher('local').ready(5_000);
    fleetWatcher('local').refresh();
    await eventually(() => fleetWatcher('local').isEndless);
    expect(await kill(ids(10, 'real'))).toEqual(ids(10).map(() => 'done'));
    expect(service.rows).toHaveLength(20);
    await expect(plan('kill', ids(11, 'real'))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('at most 10 sandboxes'),
    });
  });
});

describe('a service that refuses for now', () => {
  /** Refuses the first `count` requests with this method and path. */
  function refuse(
    line: RegExp,
    count: number,
    status: number,
    headers: Record<string, string>,
    message: string,
  ): void {
    let refused = 0;
    service.answer = ({ method, url = '' }, response) => {
      if (!line.test(`${method} ${url}`) || refused >= count) return false;
      refused += 1;
      reply(response, status, { code: status, message }, headers);
      return true;
    };
  }
  const sent = (line: string) => service.requests.filter((request) => request.line.startsWith(line));
  const begin = async (id: string) => {
    const { token } = await plan('kill', [id]);
    return startPlanned(session, { token, act: 'kill', typed: '', reason: '', filter: '' });
  };

  it.each([409, 423, 425, 503, 429])('kills after the wait that %i asks for', async (status) => {
    const id = `wait${status}`;
    service.rows = [fakeRow(id)];
    refuse(/^DELETE/, 1, status, { 'retry-after': '1' }, 'A snapshot is being written.');
    const messages = new Set<string>();
    onTestFinished(
      operationRunner().listen(({ items }) => {
        for (const { message } of items) if (message !== null) messages.add(message);
      }),
    );
    expect(await kill([id])).toEqual(['done']);
    const [first, second, ...more] = sent('DELETE');
    expect(more).toEqual([]);
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000);
    if (status !== 429)
      expect([...messages]).toEqual(['Waiting 1 s, as the service asked: “A snapshot is being written”.']);
  });

  it('pauses, resumes and sets the time left after the wait', async () => {
    service.rows = [fakeRow('i1')];
    for (const act of ['pause', 'resume'] as const) {
      refuse(new RegExp(`^POST .*/${act}$`), 1, 409, { 'retry-after': '0' }, 'Busy.');
      const { operation } = await operateNow(
        session,
        { act, sandboxKeys: ['local/i1'], params: {}, retryOf: null },
        '',
      );
      expect(await finish(operation), act).toEqual(['done']);
    }
    refuse(/^POST .*timeout$/, 1, 423, { 'retry-after': 'soon' }, 'Locked.');
    const params = { timeoutMs: 3_600_000 };
    const { operation } = await operateNow(
      session,
      { act: 'setTimeout', sandboxKeys: ['local/i1'], params, retryOf: null },
      '',
    );
    expect(await finish(operation)).toEqual(['done']);
  });

  it('keeps the words of a final refusal, without the key', async () => {
    service.rows = [fakeRow('i1')];
    const key = process.env.SANDKEEPER_ENGINE_KEY ?? '';
    refuse(/^DELETE/, 99, 409, {}, `The key ${key}\n may not kill \u202e this.`);
    expect(await kill(['i1'])).toEqual([
      'failed: The sandbox is in a state that does not allow killing a sandbox. The service says: “The key … may not kill this”.',
    ]);
  });

  it('can be stopped during the wait, and keeps the words', async () => {
    service.rows = [fakeRow('i1')];
    refuse(/^DELETE/, 99, 423, { 'retry-after': '86400' }, 'Locked by backup');
    const operation = await begin('i1');
    await eventually(() => sent('DELETE').length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await stopOperation(session, operation.id);
    expect(await finish(operation)).toEqual([
      expect.stringMatching(
        /^cancelled: Stopped while it was refused\. .* The service says: “Locked by backup”\.$/,
      ),
    ]);
  });

  it('is tried at once when a person asks, after a long wait was requested', async () => {
    service.rows = [fakeRow('i1')];
    refuse(/^DELETE/, 1, 429, { 'retry-after': '86400' }, 'Banned.');
    const holds: Hold[] = [];
    onTestFinished(operationRunner().listen((event) => holds.push(...event.holds)));
    const operation = await begin('i1');
    await eventually(() => holds.length > 0);
    const [hold] = holds;
    expect(hold?.isAsked).toBe(true);
    expect((hold?.untilMs ?? 0) - Date.now()).toBeGreaterThan(86_000_000);
    await operationRunner().tryNow('local');
    expect(await finish(operation)).toEqual(['done']);
  });

  it.each(['0', 'nonsense'])('is asked less and less often with Retry-After: %s', async (retryAfter) => {
    service.rows = [fakeRow('refused'), fakeRow('accepted')];
    refuse(/^DELETE .*refused$/, 99, 429, { 'retry-after': retryAfter }, 'Slow down.');
    const operation = await begin('refused');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(sent('DELETE').length).toBeGreaterThanOrEqual(2);
    expect(sent('DELETE').length).toBeLessThanOrEqual(4);
    await stopOperation(session, operation.id);
    expect(await finish(operation)).toEqual(['cancelled']);
    await operationRunner().tryNow('local');
    // A success ends the count of refusals.
    expect(await kill(['accepted'])).toEqual(['done']);
  });
});

describe('a service whose clock is wrong', () => {
  it.each([600_000, -600_000])(
    '%i ms ahead: verifies deadlines, and filters by its own clock',
    async (aheadMs) => {
      const nowMs = Date.now();
      const at = (ms: number) => new Date(nowMs + aheadMs + ms).toISOString();
      service.aheadMs = aheadMs;
      service.rows = [
        fakeRow('young', { startedAt: at(-60_000), endAt: at(300_000) }),
        fakeRow('old', { startedAt: at(-180_000), endAt: at(500_000) }),
      ];
      const params = { timeoutMs: 1_800_000 };
      await eventually(async () => {
        await plan('kill', ['young']);
        return Math.abs(sandboxApi('local').clock.aheadMs - aheadMs) <= 1_000;
      });
      await fleetWatcher('local').ready(5_000);
      fleetWatcher('local').refresh();
      await eventually(() => fleetWatcher('local').snapshot().sandboxes.length === 2);
      await eventually(
        () => Math.abs(fleetWatcher('local').snapshot().status.serviceAheadMs - aheadMs) <= 1_000,
      );
      const matching = (q: string) =>
        firstScreen(allFleets(session.grants), { q, sort: '' }, Date.now()).sandboxes.map(({ id }) => id);
      expect(matching('age>2m')).toEqual(['old']);
      expect(matching('left<6m')).toEqual(['young']);
      const sandboxKeys = [localKey('old')];
      const input = { act: 'setTimeout' as const, sandboxKeys, params, retryOf: null };
      const { operation } = await operateNow(session, input, '');
      expect(await finish(operation)).toEqual(['done']);
    },
  );
});

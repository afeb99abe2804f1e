import { expect, test } from 'vitest';
import { FakeGuests, startTestEngine, type TestEngine, until } from './test-engine';

/** An engine whose guests can be held back in the middle of something. */
async function startWithFakeGuests(options: { maxRunning?: number; maxLengthHours?: number } = {}) {
  const guests = new FakeGuests();
  const engine = await startTestEngine({ ...options, openGuests: guests.open });
  return { guests, engine };
}

/** Statuses of all calls of the state matrix that change nothing in this state, in the order of the protocol. */
async function statuses(engine: TestEngine, id: string, calls: readonly string[]): Promise<number[]> {
  const answers: number[] = [];
  for (const call of calls) {
    const [method = '', tail = ''] = call.split(' ');
    const body =
      tail === '/resume' || tail === '/connect' || tail === '/timeout' ? { timeout: 60 } : undefined;
    const answer = await engine.call(method, `/sandboxes/${id}${tail}`, { body });
    if (answer.status >= 400)
      expect(answer.json).toMatchObject({ code: answer.status, message: expect.any(String) });
    answers.push(answer.status);
  }
  return answers;
}

/** What was sent before this is being worked on: requests that came later have been answered. */
async function taken(engine: TestEngine): Promise<void> {
  for (let round = 0; round < 3; round += 1) await engine.call('GET', '/health');
}

const READS = ['GET ', 'GET /metrics', 'GET /logs'];
const DEADLINES = ['POST /timeout', 'POST /refreshes'];

test('an unknown sandbox is 404 for everything but its empty history', async () => {
  const engine = await startTestEngine();
  const id = `i${'0'.repeat(20)}`;
  const acts = ['DELETE ', 'POST /pause', 'POST /resume', 'POST /connect', ...DEADLINES];
  expect(await statuses(engine, id, [...acts, ...READS])).toEqual([
    404, 404, 404, 404, 404, 404, 404, 200, 200,
  ]);
  expect(await statuses(engine, 'no-such-thing', acts)).toEqual([404, 404, 404, 404, 404, 404]);
});

test('a running sandbox can be paused, extended and read, and not be resumed', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  expect(await statuses(engine, id, [...READS, 'POST /resume', 'POST /connect', ...DEADLINES])).toEqual([
    200, 200, 200, 409, 200, 204, 204,
  ]);
  expect(await statuses(engine, id, ['POST /pause', 'DELETE ', 'DELETE '])).toEqual([204, 204, 404]);
});

test('a paused sandbox is 409 to pause, 404 to extend, and resumes with 201', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  expect(await statuses(engine, id, ['POST /pause', 'POST /pause', ...DEADLINES, ...READS])).toEqual([
    204, 409, 404, 404, 200, 200, 200,
  ]);
  expect(
    await statuses(engine, id, ['POST /resume', 'POST /resume', 'POST /pause', 'POST /connect']),
  ).toEqual([201, 409, 204, 201]);
  expect(await statuses(engine, id, ['POST /pause', 'DELETE ', 'GET '])).toEqual([204, 204, 404]);
});

test('a sandbox being paused shows as paused, refuses deadlines, joins a pause, and waits for the rest', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  const release = guests.hold('pause');
  const first = engine.call('POST', `/sandboxes/${id}/pause`);
  await until(
    () => engine.detail(id),
    ({ state }) => state === 'paused',
  );

  expect(await statuses(engine, id, [...DEADLINES, ...READS])).toEqual([404, 404, 200, 200, 200]);
  const listed = await engine.call('GET', '/v2/sandboxes');
  expect(listed.json).toMatchObject([{ sandboxID: id, state: 'paused' }]);
  const token = (await engine.detail(id)).envdAccessToken;
  const health = await engine.call('GET', '/health', { headers: { 'x-access-token': token } });
  expect(health.status).toBe(502);

  const second = engine.call('POST', `/sandboxes/${id}/pause`);
  const resumed = engine.call('POST', `/sandboxes/${id}/resume`, { body: { timeout: 60 } });
  await taken(engine);
  release();
  expect((await first).status).toBe(204);
  expect((await second).status).toBe(204);
  expect((await resumed).status).toBe(201);
  expect(guests.calls.filter((call) => call.startsWith('pause'))).toHaveLength(1);
});

test('killing while it is being paused waits for the pause', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  const release = guests.hold('pause');
  const pausing = engine.call('POST', `/sandboxes/${id}/pause`);
  await until(
    () => engine.detail(id),
    ({ state }) => state === 'paused',
  );
  const killing = engine.call('DELETE', `/sandboxes/${id}`);
  await taken(engine);
  release();
  expect((await pausing).status).toBe(204);
  expect((await killing).status).toBe(204);
  expect(guests.calls.slice(-2)).toEqual([`pause ${id}`, `destroy ${id}`]);
});

test('a sandbox being killed is gone for everybody, and a second kill waits for the first', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  const release = guests.hold('destroy');
  const first = engine.call('DELETE', `/sandboxes/${id}`);
  await until(
    () => engine.detail(id),
    ({ status }) => status === 404,
  );
  const acts = ['POST /pause', 'POST /resume', 'POST /connect', ...DEADLINES, 'GET ', 'GET /metrics'];
  expect(await statuses(engine, id, acts)).toEqual([404, 404, 404, 404, 404, 404, 200]);
  expect((await engine.call('GET', '/v2/sandboxes')).json).toEqual([]);
  const second = engine.call('DELETE', `/sandboxes/${id}`);
  await taken(engine);
  release();
  expect((await first).status).toBe(204);
  expect((await second).status).toBe(204);
  expect(guests.calls.filter((call) => call.startsWith('destroy'))).toHaveLength(1);
});

test('a kill that fails leaves it hidden, and can be tried again', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  guests.failNext('destroy', 'the disk is on fire');
  const failed = await engine.call('DELETE', `/sandboxes/${id}`);
  expect(failed.status).toBe(500);
  expect(failed.text).toContain('the disk is on fire');
  expect(await statuses(engine, id, ['GET ', 'DELETE ', 'DELETE '])).toEqual([404, 204, 404]);
});

test('resumes at the same time are one, with the timeout and policy of the first', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create({ autoPause: false });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  const release = guests.hold('resume');
  const first = engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout: 100 } });
  await until(
    async () => guests.calls,
    (calls) => calls.includes(`resume ${id}`),
  );
  const others = ['resume', 'connect', 'resume'].map((act) =>
    engine.call('POST', `/sandboxes/${id}/${act}`, { body: { timeout: 3000, autoPause: true } }),
  );
  await taken(engine);
  expect((await engine.detail(id)).state).toBe('paused');
  release();
  for (const answer of await Promise.all([first, ...others])) expect(answer.status).toBe(201);
  expect(guests.calls.filter((call) => call.startsWith('resume'))).toHaveLength(1);
  const { startedAt, endAt } = await engine.detail(id);
  expect(Date.parse(endAt) - Date.parse(startedAt)).toBe(100_000);
});

test('several who waited for one pause resume it once', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  const release = guests.hold('pause');
  const pausing = engine.call('POST', `/sandboxes/${id}/pause`);
  await until(
    () => engine.detail(id),
    ({ state }) => state === 'paused',
  );
  const connects = [60, 70, 80].map((timeout) =>
    engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout } }),
  );
  await taken(engine);
  release();
  await pausing;
  expect((await Promise.all(connects)).map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(guests.calls.filter((call) => call.startsWith('resume'))).toHaveLength(1);
});

test('a pause that fails loses the run: gone without a snapshot, the older snapshot with one', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const fresh = await engine.create();
  guests.failNext('pause', 'no space');
  expect((await engine.call('POST', `/sandboxes/${fresh}/pause`)).status).toBe(500);
  expect((await engine.detail(fresh)).status).toBe(404);

  const old = await engine.create();
  await engine.call('POST', `/sandboxes/${old}/pause`);
  const before = await engine.detail(old);
  await engine.call('POST', `/sandboxes/${old}/resume`, { body: { timeout: 60 } });
  guests.failNext('pause', 'no space');
  expect((await engine.call('POST', `/sandboxes/${old}/pause`)).status).toBe(500);
  expect(await engine.detail(old)).toEqual(before);
  expect(guests.calls).toContain(`revert ${old}`);
});

test('a create that fails leaves nothing behind and gives its place back', async () => {
  const { engine, guests } = await startWithFakeGuests({ maxRunning: 1 });
  guests.failNext('create', 'no space');
  const failed = await engine.call('POST', '/sandboxes', { body: { templateID: 'base' } });
  expect(failed.status).toBe(500);
  expect((await engine.call('GET', '/v2/sandboxes')).json).toEqual([]);
  await engine.create();
});

test('a paused sandbox shows its first pause, its internal template and no alias', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  const running = await engine.detail(id);
  expect(running).toMatchObject({ templateID: 'base', alias: 'base', domain: `localhost:${engine.port}` });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  const paused = await engine.detail(id);
  expect(paused).toMatchObject({ startedAt: running.startedAt, domain: null, state: 'paused' });
  expect(paused.alias).toBeUndefined();
  expect(paused.templateID).toMatch(/^[a-z0-9]{20}$/);
  expect(Date.parse(paused.endAt)).toBeLessThanOrEqual(Date.now());
  const listed = await engine.call('GET', '/v2/sandboxes');
  expect(listed.json).toMatchObject([{ templateID: 'base', alias: 'base', endAt: paused.endAt }]);

  await new Promise((resolve) => setTimeout(resolve, 5));
  const connected = await engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout: 60 } });
  expect(connected.json).toMatchObject({ sandboxID: id, envdAccessToken: running.envdAccessToken });
  const again = await engine.detail(id);
  expect(Date.parse(again.startedAt)).toBeGreaterThan(Date.parse(running.startedAt));
  await engine.call('POST', `/sandboxes/${id}/pause`);
  expect((await engine.detail(id)).endAt).toBe(paused.endAt);
});

test('a sandbox that times out after a resume falls back to the older snapshot', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create({ timeout: 300 });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  const paused = await engine.detail(id);
  await engine.call('POST', `/sandboxes/${id}/resume`, { body: { timeout: 0, autoPause: false } });
  await until(
    () => engine.detail(id),
    ({ state }) => state === 'paused',
  );
  expect(await engine.detail(id)).toEqual(paused);
  expect(guests.calls.slice(-2)).toEqual([`resume ${id}`, `revert ${id}`]);
  // The history tells a different story: that is how it is upstream.
  const runs = await engine.call('GET', '/v2/sandbox-runs');
  expect(runs.json).toMatchObject([{ sandboxID: id, status: 'stopped', endReason: 'timeout' }]);
});

test('the policy of a pause is inherited by connect and by resume without the field', async () => {
  const engine = await startTestEngine();
  const id = await engine.create({ autoPause: true });
  for (const act of ['connect', 'resume']) {
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect((await engine.call('POST', `/sandboxes/${id}/${act}`, { body: { timeout: 0 } })).status).toBe(201);
    await until(
      () => engine.detail(id),
      ({ state }) => state === 'paused',
    );
  }
});

test('deadlines: clamped to the maximum length, extended by connect and refreshes, shortened only by timeout', async () => {
  const engine = await startTestEngine();
  const id = await engine.create({ timeout: 600 });
  /** Whether so many seconds are left, or a few less on a busy machine. */
  const expectLeft = async (seconds: number) => {
    const leftS = (Date.parse((await engine.detail(id)).endAt) - Date.now()) / 1000;
    expect(leftS).toBeLessThanOrEqual(seconds);
    expect(leftS).toBeGreaterThan(seconds - 7);
  };
  const post = (act: string, body: unknown) => engine.call('POST', `/sandboxes/${id}/${act}`, { body });

  await post('connect', { timeout: 60 });
  await expectLeft(600);
  await post('timeout', { timeout: 100 });
  await expectLeft(100);
  await post('connect', { timeout: 200 });
  await expectLeft(200);
  await post('refreshes', { duration: 100 });
  await expectLeft(200);
  await post('refreshes', { duration: 300 });
  await expectLeft(300);
  await post('timeout', { timeout: 7 });
  await post('refreshes', {});
  await expectLeft(15);
  expect((await post('timeout', { timeout: 999_999 })).status).toBe(204);
  const { startedAt, endAt } = await engine.detail(id);
  expect(Date.parse(endAt) - Date.parse(startedAt)).toBe(3_600_000);
});

test('a timeout over the maximum is 400 for create, resume and connect, and 15 s is the default', async () => {
  const engine = await startTestEngine({ maxLengthHours: 0.5 });
  const body = { templateID: 'base', timeout: 1801 };
  expect((await engine.call('POST', '/sandboxes', { body })).json).toEqual({
    code: 400,
    message: 'Timeout cannot be greater than 0.5 hours',
  });
  const created = await engine.call('POST', '/sandboxes', { body: { templateID: 'base' } });
  const { sandboxID: id } = created.json as { sandboxID: string };
  const { startedAt, endAt } = await engine.detail(id);
  expect(Date.parse(endAt) - Date.parse(startedAt)).toBe(15_000);
  for (const act of ['connect', 'resume']) {
    const answer = await engine.call('POST', `/sandboxes/${id}/${act}`, { body: { timeout: 1801 } });
    expect(answer.status).toBe(400);
  }
});

test('at most so many run at once: create, resume and connect answer 429', async () => {
  const engine = await startTestEngine({ maxRunning: 2 });
  const paused = await engine.create();
  await engine.call('POST', `/sandboxes/${paused}/pause`);
  await engine.create();
  await engine.create();
  const refused = await engine.call('POST', '/sandboxes', { body: { templateID: 'base' } });
  expect(refused.json).toMatchObject({ code: 429, message: expect.stringContaining('(2)') });
  for (const act of ['connect', 'resume']) {
    const answer = await engine.call('POST', `/sandboxes/${paused}/${act}`, { body: { timeout: 60 } });
    expect(answer.status).toBe(429);
  }
  expect((await engine.detail(paused)).state).toBe('paused');
});

test('creates at the same time cannot get past the limit', async () => {
  const engine = await startTestEngine({ maxRunning: 3 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => engine.call('POST', '/sandboxes', { body: { templateID: 'base' } })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(9);
});

test('expiry is noticed within 100 ms or so', async () => {
  const engine = await startTestEngine();
  const latenesses: number[] = [];
  // The loop ticks every 50 ms; the rest, and the better of several tries, is room for a busy machine.
  for (let round = 0; round < 4 && Math.min(...latenesses) >= 500; round += 1) {
    const id = await engine.create({ timeout: 1, autoPause: true });
    const { endAt } = await engine.detail(id);
    await until(
      () => engine.detail(id),
      ({ state }) => state === 'paused',
    );
    latenesses.push(Date.parse((await engine.detail(id)).endAt) - Date.parse(endAt));
  }
  expect(Math.min(...latenesses)).toBeGreaterThanOrEqual(0);
  expect(Math.min(...latenesses)).toBeLessThan(500);
});

test('of two that expire one is killed, one is paused', async () => {
  const engine = await startTestEngine();
  const killed = await engine.create({ timeout: 1 });
  const paused = await engine.create({ timeout: 1, autoPause: true });
  await until(
    () => engine.detail(killed),
    ({ status }) => status === 404,
  );
  await until(
    () => engine.detail(paused),
    ({ state }) => state === 'paused',
  );
  const runs = await engine.call('GET', '/v2/sandbox-runs');
  expect(runs.json).toMatchObject([
    { sandboxID: paused, status: 'paused' },
    { sandboxID: killed, status: 'stopped', endReason: 'timeout' },
  ]);
});

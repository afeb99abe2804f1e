import { expect, test } from 'vitest';
import { FakeGuests, startTestEngine, type TestEngine, until } from './test-engine';

async function startWithFakeGuests(options: { maxRunning?: number; maxLengthHours?: number } = {}) {
  const guests = new FakeGuests();
  const engine = await startTestEngine({ ...options, openGuests: guests.open });
  return { guests, engine };
}

/** Makes the calls in order and returns their statuses. */
async function statuses(engine: TestEngine, id: string, calls: readonly string[]): Promise<number[]> {
  const results: number[] = [];
  for (const call of calls) {
    const [method = '', tail = ''] = call.split(' ');
    const body =
      tail === '/resume' || tail === '/connect' || tail === '/timeout' ? { timeout: 60 } : undefined;
    const response = await engine.call(method, `/sandboxes/${id}${tail}`, { body });
    if (response.status >= 400)
      expect(response.json).toMatchObject({ code: response.status, message: expect.any(String) });
    results.push(response.status);
  }
  return results;
}

/** Waits until the engine has received earlier requests: it has answered later ones. */
async function received(engine: TestEngine): Promise<void> {
  for (let round = 0; round < 3; round += 1) await engine.call('GET', '/health');
}

const READS = ['GET ', 'GET /metrics', 'GET /logs'];
const DEADLINES = ['POST /timeout', 'POST /refreshes'];

test('answers 404 for an unknown sandbox, except for its empty logs and metrics', async () => {
  const engine = await startTestEngine();
  const id = `i${'0'.repeat(20)}`;
  const actions = ['DELETE ', 'POST /pause', 'POST /resume', 'POST /connect', ...DEADLINES];
  expect(await statuses(engine, id, [...actions, ...READS])).toEqual([
    404, 404, 404, 404, 404, 404, 404, 200, 200,
  ]);
  expect(await statuses(engine, 'no-such-thing', actions)).toEqual([404, 404, 404, 404, 404, 404]);
});

test('pauses, extends and reads a running sandbox, but does not resume it', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  expect(await statuses(engine, id, [...READS, 'POST /resume', 'POST /connect', ...DEADLINES])).toEqual([
    200, 200, 200, 409, 200, 204, 204,
  ]);
  expect(await statuses(engine, id, ['POST /pause', 'DELETE ', 'DELETE '])).toEqual([204, 204, 404]);
});

test('answers a paused sandbox with 409 for a pause, 404 for a deadline and 201 for a resume', async () => {
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

test('shows a sandbox being paused as paused, rejects deadlines, joins a pause, and delays a resume', async () => {
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
  await received(engine);
  release();
  expect((await first).status).toBe(204);
  expect((await second).status).toBe(204);
  expect((await resumed).status).toBe(201);
  expect(guests.calls.filter((call) => call.startsWith('pause'))).toHaveLength(1);
});

test('waits for a pending pause before a kill', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  const release = guests.hold('pause');
  const pausing = engine.call('POST', `/sandboxes/${id}/pause`);
  await until(
    () => engine.detail(id),
    ({ state }) => state === 'paused',
  );
  const killing = engine.call('DELETE', `/sandboxes/${id}`);
  await received(engine);
  release();
  expect((await pausing).status).toBe(204);
  expect((await killing).status).toBe(204);
  expect(guests.calls.slice(-2)).toEqual([`pause ${id}`, `destroy ${id}`]);
});

test('hides a sandbox being killed, and a second kill waits for the first', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  const release = guests.hold('destroy');
  const first = engine.call('DELETE', `/sandboxes/${id}`);
  await until(
    () => engine.detail(id),
    ({ status }) => status === 404,
  );
  const actions = ['POST /pause', 'POST /resume', 'POST /connect', ...DEADLINES, 'GET ', 'GET /metrics'];
  expect(await statuses(engine, id, actions)).toEqual([404, 404, 404, 404, 404, 404, 200]);
  expect((await engine.call('GET', '/v2/sandboxes')).json).toEqual([]);
  const second = engine.call('DELETE', `/sandboxes/${id}`);
  await received(engine);
  release();
  expect((await first).status).toBe(204);
  expect((await second).status).toBe(204);
  expect(guests.calls.filter((call) => call.startsWith('destroy'))).toHaveLength(1);
});

test('keeps a sandbox hidden after a failed kill, and retries it', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create();
  guests.failNext('destroy', 'the disk has failed');
  const failed = await engine.call('DELETE', `/sandboxes/${id}`);
  expect(failed.status).toBe(500);
  expect(failed.text).toContain('the disk has failed');
  expect(await statuses(engine, id, ['GET ', 'DELETE ', 'DELETE '])).toEqual([404, 204, 404]);
});

test('merges concurrent resumes, with the timeout and policy of the first', async () => {
  const { engine, guests } = await startWithFakeGuests();
  const id = await engine.create({ autoPause: false });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  const release = guests.hold('resume');
  const first = engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout: 100 } });
  await until(
    async () => guests.calls,
    (calls) => calls.includes(`resume ${id}`),
  );
  const others = ['resume', 'connect', 'resume'].map((action) =>
    engine.call('POST', `/sandboxes/${id}/${action}`, {
      body: { timeout: 3000, ...(action === 'resume' ? { autoPause: true } : {}) },
    }),
  );
  await received(engine);
  expect((await engine.detail(id)).state).toBe('paused');
  release();
  for (const response of await Promise.all([first, ...others])) expect(response.status).toBe(201);
  expect(guests.calls.filter((call) => call.startsWith('resume'))).toHaveLength(1);
  const { startedAt, endAt } = await engine.detail(id);
  expect(Date.parse(endAt) - Date.parse(startedAt)).toBe(100_000);
});

test('resumes once for several callers that waited for a pause', async () => {
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
  await received(engine);
  release();
  await pausing;
  expect((await Promise.all(connects)).map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(guests.calls.filter((call) => call.startsWith('resume'))).toHaveLength(1);
});

test('falls back to the older snapshot after a failed pause, or kills a sandbox without one', async () => {
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

test('leaves nothing behind after a failed create, and does not count it', async () => {
  const { engine, guests } = await startWithFakeGuests({ maxRunning: 1 });
  guests.failNext('create', 'no space');
  const failed = await engine.call('POST', '/sandboxes', { body: { templateID: 'base' } });
  expect(failed.status).toBe(500);
  expect((await engine.call('GET', '/v2/sandboxes')).json).toEqual([]);
  await engine.create();
});

test('shows the first pause, the internal template and no alias of a paused sandbox', async () => {
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

test('falls back to the older snapshot at a timeout after a resume', async () => {
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
  // The history says stopped, like the service.
  const runs = await engine.call('GET', '/v2/sandbox-runs');
  expect(runs.json).toMatchObject([{ sandboxID: id, status: 'stopped', endReason: 'timeout' }]);
});

test('keeps autoPause after connect, and after resume without the field', async () => {
  const engine = await startTestEngine();
  const id = await engine.create({ autoPause: true });
  for (const action of ['connect', 'resume']) {
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect((await engine.call('POST', `/sandboxes/${id}/${action}`, { body: { timeout: 0 } })).status).toBe(
      201,
    );
    await until(
      () => engine.detail(id),
      ({ state }) => state === 'paused',
    );
  }
});

test('limits deadlines to the maximum length, extends them by connect and refreshes, and shortens them only by timeout', async () => {
  const engine = await startTestEngine();
  const id = await engine.create({ timeout: 600 });
  /** Allows a few seconds less on a busy machine. */
  const expectLeft = async (seconds: number) => {
    const leftS = (Date.parse((await engine.detail(id)).endAt) - Date.now()) / 1000;
    expect(leftS).toBeLessThanOrEqual(seconds);
    expect(leftS).toBeGreaterThan(seconds - 7);
  };
  const post = (action: string, body: unknown) => engine.call('POST', `/sandboxes/${id}/${action}`, { body });

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

test('rejects a timeout over the maximum with 400, and defaults to 15 s', async () => {
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
  for (const action of ['connect', 'resume']) {
    const response = await engine.call('POST', `/sandboxes/${id}/${action}`, { body: { timeout: 1801 } });
    expect(response.status).toBe(400);
  }
});

test('answers create, resume and connect with 429 at the limit of running sandboxes', async () => {
  const engine = await startTestEngine({ maxRunning: 2 });
  const paused = await engine.create();
  await engine.call('POST', `/sandboxes/${paused}/pause`);
  await engine.create();
  await engine.create();
  const rejected = await engine.call('POST', '/sandboxes', { body: { templateID: 'base' } });
  expect(rejected.json).toMatchObject({ code: 429, message: expect.stringContaining('(2)') });
  for (const action of ['connect', 'resume']) {
    const response = await engine.call('POST', `/sandboxes/${paused}/${action}`, { body: { timeout: 60 } });
    expect(response.status).toBe(429);
  }
  expect((await engine.detail(paused)).state).toBe('paused');
});

test('enforces the limit on concurrent creates', async () => {
  const engine = await startTestEngine({ maxRunning: 3 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => engine.call('POST', '/sandboxes', { body: { templateID: 'base' } })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(9);
});

test('ends a sandbox promptly at its deadline', async () => {
  const engine = await startTestEngine();
  const delaysMs: number[] = [];
  // The loop runs every 50 ms. The best of several attempts allows for a busy machine.
  for (let round = 0; round < 12 && Math.min(...delaysMs) >= 500; round += 1) {
    const id = await engine.create({ timeout: 1, autoPause: true });
    const { endAt } = await engine.detail(id);
    await until(
      () => engine.detail(id),
      ({ state }) => state === 'paused',
    );
    delaysMs.push(Date.parse((await engine.detail(id)).endAt) - Date.parse(endAt));
  }
  expect(Math.min(...delaysMs)).toBeGreaterThanOrEqual(0);
  expect(Math.min(...delaysMs)).toBeLessThan(500);
});

test('kills or pauses an expired sandbox according to autoPause', async () => {
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
  await expect
    .poll(async () => (await engine.call('GET', '/v2/sandbox-runs')).json)
    .toMatchObject([
      { sandboxID: paused, status: 'paused' },
      { sandboxID: killed, status: 'stopped', endReason: 'timeout' },
    ]);
});

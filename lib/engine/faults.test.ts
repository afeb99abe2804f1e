import { expect, test } from 'vitest';
import { type Detail, startTestEngine, type TestEngine } from './test-engine';

async function addFault(engine: TestEngine, fault: object): Promise<string> {
  const { status, json, text } = await engine.call('POST', '/engine/faults', { body: fault });
  expect([status, text]).toEqual([201, expect.any(String)]);
  return (json as { id: string }).id;
}

test('offers no faults unless it is started to', async () => {
  const engine = await startTestEngine({ allowFaults: false });
  expect((await engine.call('GET', '/engine/faults')).status).toBe(404);
  const fault = { route: 'GET /templates', status: 500 };
  expect((await engine.call('POST', '/engine/faults', { body: fault })).status).toBe(404);
  expect((await engine.call('DELETE', '/engine/faults')).status).toBe(404);
  expect((await engine.call('GET', '/templates')).status).toBe(200);
});

test('adds, lists, removes and clears faults', async () => {
  const engine = await startTestEngine();
  const id = await addFault(engine, { route: 'GET /v2/sandboxes', status: 503 });
  await addFault(engine, { route: '* /templates', latencyMs: 1 });
  await engine.call('GET', '/v2/sandboxes');
  const { json } = await engine.call('GET', '/engine/faults');
  expect(json).toMatchObject([
    { id, route: 'GET /v2/sandboxes', status: 503, fired: 1 },
    { latencyMs: 1, fired: 0 },
  ]);
  expect((await engine.call('DELETE', `/engine/faults/${id}`)).status).toBe(204);
  expect((await engine.call('DELETE', `/engine/faults/${id}`)).status).toBe(404);
  expect((await engine.call('DELETE', '/engine/faults')).status).toBe(204);
  expect((await engine.call('GET', '/engine/faults')).json).toEqual([]);
});

test('answers with a status, message and Retry-After, `count` times', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  const fault = { status: 429, message: 'slow down', retryAfterSeconds: 7, count: 2 };
  await addFault(engine, { route: 'DELETE /sandboxes/*', ...fault });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const response = await engine.call('DELETE', `/sandboxes/${id}`);
    expect(response).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
    expect(response.json).toEqual({ code: 429, message: 'slow down' });
  }
  expect((await engine.call('GET', '/engine/faults')).json).toEqual([]);
  expect((await engine.call('DELETE', `/sandboxes/${id}`)).status).toBe(204);
});

test.each([
  [409, '2'],
  [423, 'Thu, 01 Jan 1970 00:00:00 GMT'],
  [429, 'soon'],
])('refuses a kill with %i and any Retry-After, such as %j', async (status, retryAfter) => {
  const engine = await startTestEngine();
  const id = await engine.create();
  const headers = { 'Retry-After': retryAfter };
  await addFault(engine, { route: 'DELETE /sandboxes/*', status, headers, count: 1 });
  const refusal = await engine.call('DELETE', `/sandboxes/${id}`);
  expect(refusal).toMatchObject({ status, headers: { 'retry-after': retryAfter } });
  expect((await engine.call('DELETE', `/sandboxes/${id}`)).status).toBe(204);
});

test('matches the method and the whole path, with * for one segment', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  await addFault(engine, { route: '* /sandboxes/*/pause', status: 500 });
  expect((await engine.call('GET', `/sandboxes/${id}`)).status).toBe(200);
  expect((await engine.call('GET', '/v2/sandboxes')).status).toBe(200);
  expect((await engine.call('POST', `/sandboxes/${id}/pause`)).status).toBe(500);
});

test('delays, resets and fails requests, even to the data plane', async () => {
  const engine = await startTestEngine();
  const { envdAccessToken } = await engine.detail(await engine.create());
  await addFault(engine, { route: 'GET /v2/sandboxes', latencyMs: 120 });
  const before = performance.now();
  expect((await engine.call('GET', '/v2/sandboxes')).status).toBe(200);
  expect(performance.now() - before).toBeGreaterThan(110);

  await addFault(engine, { route: 'GET /templates', reset: true, count: 1 });
  await expect(engine.call('GET', '/templates')).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect((await engine.call('GET', '/templates')).status).toBe(200);

  await addFault(engine, { route: 'GET /health', status: 500 });
  const health = await engine.call('GET', '/health', { headers: { 'x-access-token': envdAccessToken } });
  expect(health.status).toBe(500);
});

test('applies to one sandbox alone, on both planes', async () => {
  const engine = await startTestEngine();
  const [one, other] = [await engine.create(), await engine.create()];
  const healthOf = async (id: string) => {
    const { envdAccessToken } = await engine.detail(id);
    return (await engine.call('GET', '/health', { headers: { 'x-access-token': envdAccessToken } })).status;
  };
  const healthy = await healthOf(other);
  await addFault(engine, { route: 'GET /health', sandboxId: one, status: 503 });
  await addFault(engine, { route: 'POST /sandboxes/*/pause', sandboxId: one, status: 503 });
  expect([await healthOf(one), await healthOf(other)]).toEqual([503, healthy]);
  expect((await engine.call('POST', `/sandboxes/${other}/pause`)).status).toBe(204);
  expect((await engine.call('POST', `/sandboxes/${one}/pause`)).status).toBe(503);
});

test('fires nothing at probability 0 or without the API key', async () => {
  const engine = await startTestEngine();
  await addFault(engine, { route: '* /v2/sandboxes', status: 500, probability: 0 });
  await addFault(engine, { route: 'GET /templates', status: 500, count: 1 });
  expect((await engine.call('GET', '/v2/sandboxes')).status).toBe(200);
  expect((await engine.call('GET', '/templates', { key: null })).status).toBe(401);
  expect((await engine.call('GET', '/templates')).status).toBe(500);
});

test('pretends a kill', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  await addFault(engine, { route: 'DELETE /sandboxes/*', effect: 'pretend-kill', count: 1 });
  expect((await engine.call('DELETE', `/sandboxes/${id}`)).status).toBe(204);
  expect((await engine.detail(id)).state).toBe('running');
  expect((await engine.call('DELETE', `/sandboxes/${id}`)).status).toBe(204);
  expect((await engine.detail(id)).status).toBe(404);
});

test('repeats the cursor of a list', async () => {
  const engine = await startTestEngine();
  for (let created = 0; created < 4; created += 1) await engine.create();
  await addFault(engine, { route: 'GET /v2/sandboxes', effect: 'repeat-cursor' });
  const first = await engine.call('GET', '/v2/sandboxes?limit=1');
  const cursor = String(first.headers['x-next-token']);
  const second = await engine.call('GET', `/v2/sandboxes?limit=1&nextToken=${encodeURIComponent(cursor)}`);
  expect(second.headers['x-next-token']).toBe(cursor);
  expect((second.json as Detail[])[0]?.sandboxID).not.toBe((first.json as Detail[])[0]?.sandboxID);
});

test('makes a resume join the connect of another client', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  await engine.call('POST', `/sandboxes/${id}/pause`);
  await addFault(engine, { route: 'POST /sandboxes/*/resume', effect: 'lose-race', count: 1 });
  const body = { timeout: 60, autoPause: true };
  expect((await engine.call('POST', `/sandboxes/${id}/resume`, { body })).status).toBe(201);
  const { startedAt, endAt } = await engine.detail(id);
  expect(Date.parse(endAt) - Date.parse(startedAt)).toBe(300_000);
});

test('fails a request after it took effect', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  await addFault(engine, { route: 'POST /sandboxes/*/pause', effect: 'fail-late', count: 1 });
  expect((await engine.call('POST', `/sandboxes/${id}/pause`)).status).toBe(500);
  expect((await engine.detail(id)).state).toBe('paused');
});

test('never applies to the routes of faults', async () => {
  const engine = await startTestEngine();
  await addFault(engine, { route: '* /engine/faults', reset: true });
  await addFault(engine, { route: '* /*/*', reset: true });
  expect((await engine.call('DELETE', '/engine/faults')).status).toBe(204);
});

test.each([
  [{}, 'route: expected text such as'],
  [{ route: 'sandboxes', status: 500 }, 'route: expected a method or *, a space and a path'],
  [{ route: 'GET /x' }, 'expected at least one of latencyMs, status, reset, effect'],
  [{ route: 'GET /x', status: 200 }, 'status: expected a whole number from 400 to 599'],
  [{ route: 'GET /x', latencyMs: -1 }, 'latencyMs: expected a whole number'],
  [{ route: 'GET /x', status: 500, probability: 2 }, 'probability: expected a number from 0 to 1'],
  [{ route: 'GET /x', status: 500, count: 0 }, 'count: expected a whole number'],
  [
    { route: 'GET /x', effect: 'explode' },
    'effect: expected "pretend-kill", "repeat-cursor", "lose-race", "fail-late" or "throw"',
  ],
  [
    { route: 'GET /x', reset: true, retryAfterSeconds: 3 },
    'retryAfterSeconds: expected only together with status',
  ],
  [{ route: 'GET /x', latencyMs: 1, headers: { 'retry-after': '1' } }, 'headers: expected only together'],
  [{ route: 'GET /x', status: 500, headers: { 'a b': '1' } }, 'headers: expected an object of valid headers'],
  [{ route: 'GET /x', status: 500, headers: { a: 'b\nc' } }, 'headers: expected an object of valid headers'],
  [
    { route: 'GET /x', status: 500, headers: { 'Content-Length': '1' } },
    'headers: expected an object of valid headers',
  ],
  [{ route: 'GET /x', status: 500, stauts: 1 }, 'stauts'],
])('rejects %j', async (fault, message) => {
  const engine = await startTestEngine();
  const { status, json } = await engine.call('POST', '/engine/faults', { body: fault });
  expect(status).toBe(400);
  expect((json as { message: string }).message).toContain(message);
});

import { expect, test } from 'vitest';
import { apiKeyFor } from './dialect';
import { FakeGuests, send, startTestEngine, type TestEngine, until } from './test-engine';

/** What E2B's API has and Moru's has not (docs/protocol.md#e2b-and-moru). */

async function startE2b(options: Parameters<typeof startTestEngine>[0] = {}) {
  const guests = new FakeGuests();
  const engine = await startTestEngine({ openGuests: guests.open, ...options });
  const key = apiKeyFor('e2b', engine.apiKey);
  const call: TestEngine['call'] = (method, path, rest = {}) => engine.call(method, path, { key, ...rest });
  const create = async (body: object = {}) => {
    const { status, json, text } = await call('POST', '/v2/sandboxes', {
      body: { templateID: 'base', ...body },
    });
    if (status !== 201) throw new Error(text);
    return (json as { sandboxID: string }).sandboxID;
  };
  const detail = async (id: string) =>
    (await call('GET', `/sandboxes/${id}`)).json as Record<string, unknown>;
  return { engine, guests, call, create, detail };
}

test('creates a secure sandbox with the lifecycle that was asked for, for 300 seconds', async () => {
  const { engine, create, detail, call } = await startE2b();
  const id = await create({ autoPause: true, autoResume: { enabled: true }, allow_internet_access: true });
  const shown = await detail(id);
  expect(shown).toMatchObject({
    lifecycle: { onTimeout: 'pause', autoResume: true },
    allowInternetAccess: true,
    volumeMounts: [],
  });
  expect(Date.parse(String(shown.endAt)) - Date.parse(String(shown.startedAt))).toBe(300_000);
  const plain = await detail(await create());
  expect(plain).toMatchObject({
    lifecycle: { onTimeout: 'kill', autoResume: false },
    allowInternetAccess: null,
  });
  // A secure sandbox refuses a request without its token.
  const headers = { 'e2b-sandbox-id': id, 'e2b-sandbox-port': '49983', host: 'sandbox.localhost' };
  expect((await send(engine.port, 'GET', '/health', undefined, headers)).status).toBe(204);

  for (const body of [
    { timeout: 0 },
    { autoPauseMemory: false, autoResume: { enabled: true } },
    { autoResume: true },
  ]) {
    const refused = await call('POST', '/v2/sandboxes', { body: { templateID: 'base', ...body } });
    expect([body, refused.status]).toEqual([body, 400]);
  }
  // Moru knows none of it.
  expect(await engine.detail(id)).not.toHaveProperty('lifecycle');
});

test('shows a paused sandbox by its own template and the time of its last pause', async () => {
  const { call, create, detail } = await startE2b();
  const id = await create();
  await call('POST', `/sandboxes/${id}/pause`, { body: { memory: true } });
  const first = await detail(id);
  expect(first).toMatchObject({ state: 'paused', templateID: 'base', alias: 'base' });
  await call('POST', `/v2/sandboxes/${id}/connect`);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await call('POST', `/sandboxes/${id}/pause`);
  expect(Date.parse(String((await detail(id)).endAt))).toBeGreaterThan(Date.parse(String(first.endAt)));
});

test('resumes a paused sandbox for a request to it, if it was created so and the caller may use it', async () => {
  const { engine, guests, call, create, detail } = await startE2b();
  const id = await create({
    autoResume: { enabled: true },
    timeout: 120,
    network: { allowPublicTraffic: false },
  });
  const { envdAccessToken } = await detail(id);
  const request = (port: number, headers: Record<string, string> = {}, path = '/health') =>
    send(engine.port, 'GET', path, undefined, {
      'e2b-sandbox-id': id,
      'e2b-sandbox-port': String(port),
      ...headers,
    });
  const pause = () => call('POST', `/sandboxes/${id}/pause`);

  await pause();
  expect((await request(49983, {}, '/envs')).status).toBe(502);
  expect((await request(49983, { 'x-access-token': 'f'.repeat(64) }, '/envs')).status).toBe(502);
  expect((await request(49983, {}, '/files?path=a&signature=v1_x')).status).toBe(502);
  expect((await request(3000)).status).toBe(403);
  expect((await detail(id)).state).toBe('paused');

  // An SDK asks this when the pause has cut its stream.
  const token = { 'x-access-token': String(envdAccessToken) };
  expect((await request(49983, token)).status).toBe(502);
  expect((await detail(id)).state).toBe('paused');

  const release = guests.hold('resume');
  const waiting = [1, 2].map(() => request(49983, token, '/envs'));
  await until(
    async () => guests.calls.filter((line) => line === `resume ${id}`).length,
    (count) => count > 0,
  );
  release();
  // These guests answer nothing else.
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([501, 501]);
  expect((await request(49983, token)).status).toBe(204);
  const awake = await detail(id);
  expect(awake.state).toBe('running');
  expect(Date.parse(String(awake.endAt)) - Date.parse(String(awake.startedAt))).toBe(120_000);
  expect(guests.calls.filter((line) => line === `resume ${id}`)).toHaveLength(1);

  // Without memory, the processes that would answer are gone.
  await call('POST', `/sandboxes/${id}/pause`, { body: { memory: false } });
  expect((await request(49983, token, '/envs')).status).toBe(502);
  expect((await call('POST', `/v2/sandboxes/${id}/connect`)).status).toBe(201);

  const other = await create();
  await call('POST', `/sandboxes/${other}/pause`);
  expect(
    (
      await request(
        49983,
        { 'e2b-sandbox-id': other, 'x-access-token': String((await detail(other)).envdAccessToken) },
        '/envs',
      )
    ).status,
  ).toBe(502);
});

test('pauses at the deadline without memory, if it was created so', async () => {
  const { guests, call, create, detail } = await startE2b();
  const id = await create({ timeout: 1, autoPause: true, autoPauseMemory: false });
  await until(
    () => detail(id),
    ({ state }) => state === 'paused',
  );
  expect(guests.pausedWithoutMemory).toEqual([id]);
  expect((await call('POST', `/v2/sandboxes/${id}/connect`)).status).toBe(201);
});

test('waits for a copy of the files before a pause, and gives it up for a kill', async () => {
  const { guests, call, create, detail } = await startE2b();
  const copied = await create();
  const copying = async (id: string) => {
    const release = guests.hold('saveFiles');
    const answer = call('POST', `/sandboxes/${id}/snapshots`, { body: {} });
    await until(
      async () => guests.calls,
      (calls) => calls.includes(`saveFiles ${id}`),
    );
    return { release, answer };
  };
  const first = await copying(copied);
  const pausing = call('POST', `/sandboxes/${copied}/pause`);
  expect((await call('POST', `/sandboxes/${copied}/timeout`, { body: { timeout: 60 } })).status).toBe(204);
  expect((await detail(copied)).state).toBe('running');
  first.release();
  expect((await first.answer).status).toBe(201);
  expect((await pausing).status).toBe(204);

  const killed = await create();
  const second = await copying(killed);
  expect((await call('DELETE', `/sandboxes/${killed}`)).status).toBe(204);
  expect((await second.answer).status).toBe(404);
  second.release();
  expect((await call('GET', '/snapshots')).json).toHaveLength(1);
});

test('deletes the template that a reference names exactly', async () => {
  const { call, create } = await startE2b();
  await call('POST', `/sandboxes/${await create()}/snapshots`, { body: { name: 'nightly' } });
  for (const reference of ['nightly:a:b', 'local/nightly/x', 'other/nightly', 'night', '']) {
    const { status } = await call('DELETE', `/templates/${encodeURIComponent(reference)}`);
    expect([reference, status]).toEqual([reference, 404]);
  }
  expect((await call('DELETE', '/templates/local%2FNightly%3Adefault')).status).toBe(204);
});

test('answers 409 while a sandbox changes its state, where Moru answers 404', async () => {
  const { engine, guests, call, create } = await startE2b();
  const id = await create();
  const release = guests.hold('pause');
  const pausing = call('POST', `/sandboxes/${id}/pause`);
  await until(
    async () => guests.calls,
    (calls) => calls.includes(`pause ${id}`),
  );
  const timeout = { body: { timeout: 60 } };
  expect((await call('POST', `/sandboxes/${id}/timeout`, timeout)).status).toBe(409);
  expect((await engine.call('POST', `/sandboxes/${id}/timeout`, timeout)).status).toBe(404);
  expect((await call('POST', `/sandboxes/${id}/refreshes`)).status).toBe(409);
  release();
  expect((await pausing).status).toBe(204);
  expect((await call('POST', `/sandboxes/${id}/timeout`, timeout)).status).toBe(404);
  expect((await call('POST', `/sandboxes/${id}/snapshots`, { body: {} })).status).toBe(409);
  expect((await call('POST', `/sandboxes/${id}/fork`)).status).toBe(409);

  const releaseKill = guests.hold('destroy');
  const killing = call('DELETE', `/sandboxes/${id}`);
  await until(
    async () => guests.calls,
    (calls) => calls.includes(`destroy ${id}`),
  );
  expect((await call('POST', `/sandboxes/${id}/timeout`, timeout)).status).toBe(409);
  releaseKill();
  expect((await killing).status).toBe(204);
  expect((await call('POST', `/sandboxes/${id}/timeout`, timeout)).status).toBe(404);
});

test('lists from either end, since a time and by template', async () => {
  const { call, create } = await startE2b();
  const ids: string[] = [];
  for (const templateID of ['base', 'python', 'base', 'base']) {
    ids.push(await create({ templateID }));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const list = async (query: string) => {
    const { status, json, headers } = await call('GET', `/v2/sandboxes${query}`);
    if (status !== 200) return { status };
    const rows = json as { sandboxID: string; startedAt: string }[];
    return {
      status,
      ids: rows.map(({ sandboxID }) => sandboxID),
      startedAt: rows.map(({ startedAt }) => startedAt),
      next: headers['x-next-token'],
      total: headers['x-total-running'],
    };
  };
  const oldestFirst = await list('?order=asc');
  expect(oldestFirst.ids).toEqual(ids);
  const first = await list('?order=asc&limit=3');
  expect(first.ids).toEqual(ids.slice(0, 3));
  const rest = await list(`?order=asc&limit=3&nextToken=${encodeURIComponent(String(first.next))}`);
  expect([rest.ids, rest.next]).toEqual([ids.slice(3), undefined]);
  const since = oldestFirst.startedAt?.[2] ?? '';
  expect(await list(`?startedAfter=${since}`)).toMatchObject({ ids: [ids[3], ids[2]], total: '2' });
  expect(await list('?template=python')).toMatchObject({ ids: [ids[1]], total: '1' });
  expect((await list('?template=nope')).ids).toEqual([]);
  for (const query of ['?order=up', '?startedAfter=yesterday']) expect((await list(query)).status).toBe(400);
});

test('searches logs by level and text, and writes the older form as JSON', async () => {
  const { call, create, guests } = await startE2b();
  const id = await create();
  const at = Date.now() + 1_000;
  const events = [
    { eventType: 'process_start', message: 'run it', fields: { pid: '7' } },
    { eventType: 'stdout', message: 'Ready on port 80', fields: { pid: '7' } },
    { eventType: 'stderr', message: 'ready or not', fields: { pid: '7' } },
    { eventType: 'process_end', message: 'run it', fields: { process_result: '{"exit_code":3}' } },
  ] as const;
  for (const [index, event] of events.entries()) {
    guests.context?.sink.recordLog(id, { timestampMs: at + index, ...event });
  }
  const read = async (query: string) => {
    const { json } = await call('GET', `/v2/sandboxes/${id}/logs${query}`);
    return (json as { logs: { level: string; message: string }[] }).logs;
  };
  expect((await read('')).map(({ level }) => level)).toEqual(['info', 'info', 'warn', 'error']);
  expect((await read('?level=warn')).map(({ message }) => message)).toEqual(['ready or not', 'run it']);
  expect((await read('?search=ready')).map(({ message }) => message)).toEqual(['ready or not']);
  expect(await read(`?direction=backward&cursor=${at + 2}&limit=1`)).toEqual([
    {
      timestamp: new Date(at + 1).toISOString(),
      level: 'info',
      message: 'Ready on port 80',
      fields: { pid: '7', event_type: 'stdout' },
    },
  ]);
  for (const query of [`?search=${'x'.repeat(257)}`, '?limit=1001', '?level=loud']) {
    expect((await call('GET', `/v2/sandboxes/${id}/logs${query}`)).status).toBe(400);
  }
  const { json } = await call('GET', `/sandboxes/${id}/logs?start=${at + 2}`);
  const lines = (json as { logs: { line: string }[] }).logs.map(({ line }) => JSON.parse(line));
  expect(lines).toEqual([
    { level: 'warn', logger: 'process', event_type: 'stderr', message: 'ready or not', pid: '7' },
    expect.objectContaining({ level: 'error', event_type: 'process_end' }),
  ]);
});

test('answers 501 with a sentence for volumes, secrets and template builds', async () => {
  const { call } = await startE2b();
  for (const [method, path] of [
    ['GET', '/volumes'],
    ['POST', '/volumes'],
    ['DELETE', '/volumes/vol-1'],
    ['GET', '/volumes/vol-1/files/download'],
    ['GET', '/secrets'],
    ['POST', '/secrets/sec_1'],
    ['POST', '/v3/templates'],
    ['GET', '/templates/base/builds/b/status'],
  ] as const) {
    const { status, json } = await call(method, path, method === 'POST' ? { body: {} } : {});
    expect([path, status, json]).toEqual([
      path,
      501,
      { code: 501, message: expect.stringMatching(/^The local engine does not offer .*\.$/) },
    ]);
  }
  for (const body of [
    { volumeMounts: [{ name: 'v', path: '/data' }] },
    { iam: { tokens: { a: { audience: 'b', tokenType: 'c' } } } },
  ]) {
    expect((await call('POST', '/v2/sandboxes', { body: { templateID: 'base', ...body } })).status).toBe(501);
  }
  const volume = { templateID: 'base', volumeId: 'vol-1', volumeMountPath: '/data/x' };
  expect((await call('POST', '/sandboxes', { body: volume })).status).toBe(501);
});

test('routes by headers under one host, and never to the control plane', async () => {
  const { engine, create, detail } = await startE2b();
  const id = await create();
  const { envdAccessToken } = await detail(id);
  const get = (path: string, headers: Record<string, string>) =>
    send(engine.port, 'GET', path, undefined, { host: `sandbox.localhost:${engine.port}`, ...headers });
  const envd = { 'e2b-sandbox-id': id, 'e2b-sandbox-port': '49983' };
  expect((await get('/envs', { ...envd, 'x-access-token': String(envdAccessToken) })).status).toBe(501);
  // A server inside may have the paths of the control plane.
  const port = { ...envd, 'e2b-sandbox-port': '3000' };
  for (const host of [`sandbox.localhost:${engine.port}`, `localhost:${engine.port}`]) {
    expect((await get('/sandboxes', { ...port, host })).json).toMatchObject({ port: 3000, code: 502 });
  }
  expect((await get('/sandboxes', { 'x-api-key': engine.apiKey })).status).toBe(502);
  expect((await get('/health', { 'e2b-sandbox-id': id })).status).toBe(400);
});

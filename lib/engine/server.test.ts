import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { apiKeyFor } from './dialect';
import { type Detail, send, startTestEngine, type TestEngine } from './test-engine';

/** Sends bytes and returns the response once the connection has ended. */
function sendRaw(engine: TestEngine, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(engine.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

test('requires the API key for everything but /health', async () => {
  const engine = await startTestEngine();
  const message = async (key: string | null, path = '/v2/sandboxes') => {
    const { status, json } = await engine.call('GET', path, { key });
    return [status, (json as { message: string }).message];
  };
  expect(await message(null)).toEqual([401, 'authorization header is missing']);
  expect(await message('sk_0123')).toEqual([401, 'authorization header is malformed']);
  expect(await message('moru_0123')).toEqual([401, 'the API key is invalid']);
  expect(await message('e2b_0123')).toEqual([401, 'the API key is invalid']);
  expect(await message(null, '/engine/status')).toEqual([401, 'authorization header is missing']);
  expect(await message(null, '/nowhere')).toEqual([401, 'authorization header is missing']);
  expect((await engine.call('GET', '/health', { key: null })).status).toBe(200);
  expect((await engine.call('GET', '/engine/status')).status).toBe(200);
  const e2bKey = apiKeyFor('e2b', engine.apiKey);
  expect((await engine.call('GET', '/v2/sandboxes', { key: e2bKey })).status).toBe(200);
});

test('rejects foreign host names', async () => {
  const engine = await startTestEngine();
  const status = async (host: string) => (await engine.call('GET', '/health', { headers: { host } })).status;
  for (const host of [
    'localhost',
    'localhost:1',
    '127.0.0.1:9',
    '[::1]:9',
    'LOCALHOST',
    'sbx.localhost:80',
  ]) {
    expect([host, await status(host)]).toEqual([host, 200]);
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '192.168.0.7',
    '127.0.0.1.nip.io',
    'a b',
    '@',
  ]) {
    expect([host, await status(host)]).toEqual([host, 400]);
  }
  const { json } = await engine.call('GET', '/v2/sandboxes', { headers: { host: 'evil.example' } });
  expect(json).toEqual({ code: 400, message: 'Invalid host' });
});

test.each([
  'https://evil.example',
  // Of servers inside sandboxes.
  `http://3000-i${'a'.repeat(20)}.localhost:3100`,
  'http://sandbox.localhost:3100',
])('lets no page of %s read its responses', async (origin) => {
  const engine = await startTestEngine();
  const headers = { origin, 'access-control-request-method': 'DELETE' };
  const preflight = await engine.call('OPTIONS', '/sandboxes', { headers, key: null });
  expect(preflight.status).toBe(401);
  const response = await engine.call('GET', '/v2/sandboxes', { headers });
  for (const { headers: sent } of [preflight, response]) {
    expect(Object.keys(sent).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('answers unknown paths with 404 and wrong methods with 405, as JSON', async () => {
  const engine = await startTestEngine();
  for (const path of [
    '/',
    '/nowhere',
    '/sandboxes/',
    '/v2/nothing',
    '/sandboxes/a/b/c',
    '//',
    '/sandboxes/%zz',
  ]) {
    const { status, json } = await engine.call('GET', path);
    expect([path, status, (json as { code: number }).code]).toEqual([path, 404, 404]);
  }
  const wrong = await engine.call('PATCH', '/sandboxes/x');
  expect(wrong).toMatchObject({ status: 405, headers: { allow: 'GET, DELETE' }, json: { code: 405 } });
});

test.each([
  [{}, 'templateID: expected a template id or alias'],
  [{ templateID: 'no spaces' }, 'templateID: expected a template id or alias'],
  [{ templateID: 'base', timeout: -1 }, 'timeout: expected a whole number, 0 or more'],
  [{ templateID: 'base', timeout: '60' }, 'timeout: expected a whole number, 0 or more'],
  [{ templateID: 'base', timeout: 1.5 }, 'timeout: expected a whole number, 0 or more'],
  [{ templateID: 'base', metadata: { a: 1 } }, 'metadata.a: expected a string'],
  [{ templateID: 'base', metadata: [] }, 'metadata: expected an object of strings'],
  [{ templateID: 'base', autoPause: 'yes' }, 'autoPause: expected true or false'],
  [{ templateID: 'base', network: { denyOut: ['nonsense'] } }, 'network.denyOut.0: expected an IP address'],
  [{ templateID: 'base', network: { allowOut: ['example.com'] } }, 'network.allowOut: expected 0.0.0.0/0'],
  [
    { templateID: 'base', network: { allowPublicTraffic: false } },
    'network.allowPublicTraffic: expected secure',
  ],
  [{ templateID: 'base', volumeMountPath: '/etc' }, 'volumeMountPath: expected a clean path'],
  [[], 'request body: expected a JSON object'],
  ['{"templateID": ', 'request body is not valid JSON'],
  ['', 'request body: expected a JSON object'],
])('rejects a create with %j and names the expected value', async (body, message) => {
  const engine = await startTestEngine();
  const { status, json } = await engine.call('POST', '/sandboxes', { body });
  expect(status).toBe(400);
  expect(json).toEqual({ code: 400, message: expect.stringMatching(/^validation error: /) });
  expect((json as { message: string }).message).toContain(message);
});

test('answers 404 for unknown templates, normalizes names and accepts fields that ask for nothing', async () => {
  const engine = await startTestEngine();
  const create = (body: object) => engine.call('POST', '/sandboxes', { body });
  expect((await create({ templateID: 'nope' })).json).toEqual({
    code: 404,
    message: "template 'nope' not found",
  });
  const odd = await create({
    templateID: ' Base ',
    mcp: null,
    iam: {},
    autoResume: { enabled: true },
    network: null,
    volumeMounts: [],
  });
  expect(odd).toMatchObject({ status: 201, json: { templateID: 'base' } });
  expect((await engine.call('POST', '/v2/sandboxes', { body: { templateID: 'python' } })).status).toBe(201);
});

test('answers a create with every field', async () => {
  const engine = await startTestEngine();
  const body = { templateID: 'base', secure: true, network: { allowPublicTraffic: false } };
  const { json } = await engine.call('POST', '/sandboxes', { body });
  expect(json).toEqual({
    templateID: 'base',
    alias: 'base',
    sandboxID: expect.stringMatching(/^i[a-z0-9]{20}$/),
    clientID: '6532622b',
    envdVersion: '0.6.4',
    envdAccessToken: expect.stringMatching(/^[0-9a-f]{64}$/),
    trafficAccessToken: expect.stringMatching(/^[0-9a-f]{64}$/),
    domain: `localhost:${engine.port}`,
  });
  const open = await engine.call('POST', '/sandboxes', { body: { templateID: 'base', secure: false } });
  expect(open.json).toMatchObject({ envdAccessToken: expect.any(String), trafficAccessToken: null });
  const { sandboxID } = json as Detail;
  expect(await engine.detail(sandboxID)).toMatchObject({ envdAccessToken: (json as Detail).envdAccessToken });
  // Old clients append their client id.
  expect((await engine.detail(`${sandboxID}-6532622b`)).sandboxID).toBe(sandboxID);
  expect((await engine.detail(`${sandboxID}-a-b`)).status).toBe(404);
});

test('requires the timeout in the older connect route only', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  expect((await engine.call('POST', `/v2/sandboxes/${id}/connect`, { body: {} })).status).toBe(200);
  expect((await engine.call('POST', `/v2/sandboxes/${id}/connect`)).status).toBe(200);
  const { status, json } = await engine.call('POST', `/sandboxes/${id}/connect`, { body: {} });
  expect([status, json]).toEqual([400, { code: 400, message: expect.stringContaining('timeout: expected') }]);
  expect((await engine.call('POST', `/sandboxes/${id}/resume`)).status).toBe(400);
});

test('answers 413 to a body over one megabyte, with or without a content length', async () => {
  const engine = await startTestEngine();
  const body = JSON.stringify({ templateID: 'base', metadata: { long: 'x'.repeat(1_100_000) } });
  const announced = { 'content-length': String(body.length) };
  const chunked = { 'transfer-encoding': 'chunked' };
  for (const headers of [announced, chunked]) {
    const response = await engine.call('POST', '/sandboxes', { body, headers });
    expect(response.json).toEqual({ code: 413, message: expect.stringContaining('larger than') });
  }
  const large = { templateID: 'base', metadata: { long: 'x'.repeat(900_000) } };
  expect((await engine.call('POST', '/sandboxes', { body: large })).status).toBe(201);
});

test('rejects malformed requests and keeps running', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  expect(await sendRaw(engine, 'hello?\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*\{"code":400,/s);
  expect(await sendRaw(engine, Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]))).toContain('400');
  expect(await sendRaw(engine, `GET / HTTP/1.1\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`)).toContain('"code":431');
  expect(
    await sendRaw(engine, 'GET http://evil/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'),
  ).toContain('"code":400');
  expect(await sendRaw(engine, 'GET /health HTTP/1.0\r\n\r\n')).toContain('Invalid host');
  const cut = `POST /sandboxes HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${engine.apiKey}\r\ncontent-length: 50\r\n\r\n{"tem`;
  await new Promise<void>((resolve) => {
    const socket = connect(engine.port, '127.0.0.1', () => socket.write(cut, () => socket.destroy()));
    socket.on('close', () => resolve());
  });
  expect((await engine.detail(id)).state).toBe('running');
  expect(engine.warnings).toEqual([]);
});

test('routes requests by header, host, token and signature, or answers 502', async () => {
  const engine = await startTestEngine();
  const ids = [await engine.create({ secure: false }), await engine.create({ secure: true })] as const;
  const { envdAccessToken: token } = await engine.detail(ids[1]);
  const get = (path: string, headers: Record<string, string>) =>
    send(engine.port, 'GET', path, undefined, headers);
  const envd = { 'moru-sandbox-port': '49983' };

  expect((await get('/health', { ...envd, 'moru-sandbox-id': ids[0] })).status).toBe(204);
  expect((await get('/health', { host: `49983-${ids[0]}.localhost:${engine.port}` })).status).toBe(204);
  expect((await get('/health', { 'x-access-token': token })).status).toBe(204);
  expect((await get('/health', { 'e2b-sandbox-id': ids[1], 'e2b-sandbox-port': '49983' })).status).toBe(204);
  expect(await get('/anything', { host: `3000-${ids[0]}.localhost` })).toMatchObject({
    status: 502,
    json: {
      sandboxId: ids[0],
      port: 3000,
      message: 'The sandbox is running but port is not open',
      code: 502,
    },
  });
  const half = await get('/health', { 'moru-sandbox-id': ids[0] });
  expect(half).toMatchObject({ status: 400, json: { code: 400 } });

  const gone = { sandboxId: 'inope', message: 'The sandbox was not found', code: 502 };
  expect((await get('/files', { ...envd, 'moru-sandbox-id': 'inope' })).json).toEqual(gone);
  for (const [path, headers] of [
    ['/health', { 'x-access-token': 'f'.repeat(64) }],
    ['/files?path=a&signature=v1_x', {}],
    ['/files', {}],
  ] as const) {
    expect(await get(path, headers)).toMatchObject({ status: 502, json: { ...gone, sandboxId: '' } });
  }
  await engine.call('POST', `/sandboxes/${ids[1]}/pause`);
  expect((await get('/health', { 'x-access-token': token })).json).toEqual({ ...gone, sandboxId: ids[1] });
  // The Python SDK sends the id headers with control-plane calls as well.
  const headers = { ...envd, 'moru-sandbox-id': ids[1] };
  const connected = await engine.call('POST', `/sandboxes/${ids[1]}/connect`, {
    headers,
    body: { timeout: 60 },
  });
  expect(connected.status).toBe(201);
});

test('reports that files and processes are not available', async () => {
  const engine = await startTestEngine();
  const { envdAccessToken } = await engine.detail(await engine.create());
  const headers = { 'x-access-token': envdAccessToken };
  const { status, json } = await send(engine.port, 'GET', '/files?path=a', undefined, headers);
  expect([status, json]).toEqual([501, { code: 501, message: expect.stringContaining('not available') }]);
});

test('lists and reads templates', async () => {
  const engine = await startTestEngine();
  const { json } = await engine.call('GET', '/templates');
  expect(json).toContainEqual(
    expect.objectContaining({ templateID: 'base', aliases: ['base'], buildStatus: 'ready' }),
  );
  expect((await engine.call('GET', '/templates/base')).json).toMatchObject({ builds: [{ status: 'ready' }] });
  expect((await engine.call('GET', '/templates/nope')).status).toBe(404);
});

test('ends a request to the API whose body does not arrive', async () => {
  const engine = await startTestEngine({ limits: { bodyTimeoutMs: 200 } });
  const answer = await sendRaw(
    engine,
    `POST /sandboxes HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${engine.apiKey}\r\ncontent-length: 99\r\n\r\n{`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*request took too long/);
});

test('closes the longest idle connections when there are too many', async () => {
  const engine = await startTestEngine({ limits: { maxConnections: 5 } });
  const waiting = Array.from({ length: 30 }, () => connect(engine.port, '127.0.0.1'));
  for (const socket of waiting) {
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\n');
  }
  await expect.poll(() => waiting.filter(({ closed }) => !closed).length).toBe(5);
  expect((await engine.call('GET', '/health')).status).toBe(200);
  for (const socket of waiting) socket.destroy();
});

test('lets local pages call it with an API key, and read the cursor as at E2B', async () => {
  const engine = await startTestEngine();
  const page = { origin: 'http://localhost:5173', 'access-control-request-method': 'POST' };
  const asked = { ...page, 'access-control-request-headers': 'x-api-key,lang' };
  for (const path of ['/sandboxes', '/process.Process/Start', '/files?path=x']) {
    const { status, headers } = await send(engine.port, 'OPTIONS', path, undefined, asked);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': page.origin,
      'access-control-allow-headers': 'x-api-key,lang',
    });
  }
  const { status, headers } = await engine.call('GET', '/v2/sandboxes', { headers: page });
  expect([status, headers['access-control-allow-origin']]).toEqual([200, page.origin]);
  expect(headers).not.toHaveProperty('access-control-expose-headers');
  const key = engine.apiKey.replace('moru_', 'e2b_');
  const e2b = await engine.call('GET', '/v2/sandboxes', { headers: page, key });
  expect(e2b.headers['access-control-expose-headers']).toContain('X-Next-Token');
  // A refusal is readable, too.
  const refused = await engine.call('GET', '/v2/sandboxes', { headers: page, key: null });
  expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, page.origin]);
  // Also what the edge answers for a sandbox that is gone.
  const host = `3000-i${'0'.repeat(20)}.localhost:${engine.port}`;
  const gone = await send(engine.port, 'GET', '/', undefined, { ...page, host });
  expect([gone.status, gone.headers['access-control-allow-origin']]).toEqual([502, page.origin]);
});

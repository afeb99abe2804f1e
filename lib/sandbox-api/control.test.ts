import type { RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SandkeeperError } from '../errors';
import { idOf } from '../sandbox-key';
import { serveHttp, setUpEngine, simulateNewProcess, thrownBy } from '../test-support/environment';
import { sandboxApi } from './configured';
import { createSandboxApi, type SandboxApi } from './sandbox-api';

const MINUTE_MS = 60_000;
const engine = setUpEngine({ maxRunning: 140 });
const newSandbox = { template: 'base', metadata: {}, timeoutMs: 5 * MINUTE_MS, autoPause: false };

/** Everything the list holds, page by page. */
async function listAll() {
  const pages = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<SandboxApi['listSandboxes']>> =
      await sandboxApi('local').listSandboxes(cursor);
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pages;
}

async function killAll(): Promise<void> {
  for (const page of await listAll())
    for (const { key } of page.sandboxes) await sandboxApi('local').killSandbox(key);
}

/** The code, the wait and the sentence of what `work` throws. */
async function failureOf(work: () => Promise<unknown>) {
  const thrown = await thrownBy(work);
  if (!(thrown instanceof SandkeeperError)) throw thrown;
  return { code: thrown.code, retryAfterMs: thrown.retryAfterMs, message: thrown.message };
}

describe('listing', () => {
  it('reads all pages, each sandbox once, latest start first', async () => {
    await killAll();
    const ids = new Set<string>();
    for (let made = 0; made < 120; made += 1) ids.add(await engine.create({ metadata: { n: `${made}` } }));
    const pages = await listAll();
    expect(pages.map(({ sandboxes, unreadable }) => [sandboxes.length, unreadable])).toEqual([
      [100, 0],
      [20, 0],
    ]);
    const rows = pages.flatMap(({ sandboxes }) => sandboxes);
    expect(new Set(rows.map(({ id }) => id))).toEqual(ids);
    const starts = rows.map(({ startedAtMs }) => startedAtMs);
    expect(starts).toEqual(starts.toSorted((a, b) => Number(b) - Number(a)));
    await killAll();
    expect(await sandboxApi('local').listSandboxes(null)).toEqual({
      sandboxes: [],
      unreadable: 0,
      nextCursor: null,
    });
  });

  it('returns all properties of running and paused sandboxes', async () => {
    const key = await sandboxApi('local').createSandbox({
      ...newSandbox,
      metadata: { 'a b': 'ü=&%', owner: 'ana' },
    });
    await sandboxApi('local').pauseSandbox(key);
    const { sandboxes } = await sandboxApi('local').listSandboxes(null);
    expect(sandboxes).toEqual([
      {
        key,
        id: idOf(key),
        templateId: expect.any(String),
        alias: 'base',
        state: 'paused',
        metadata: { 'a b': 'ü=&%', owner: 'ana' },
        startedAtMs: expect.any(Number),
        endAtMs: expect.any(Number),
        cpuCount: expect.any(Number),
        memoryMB: expect.any(Number),
        diskSizeMB: expect.any(Number),
        envdVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      },
    ]);
    await sandboxApi('local').killSandbox(key);
  });
});

describe('one sandbox', () => {
  it('is read, and not found after it was killed', async () => {
    const key = await sandboxApi('local').createSandbox(newSandbox);
    const sandbox = await sandboxApi('local').getSandbox(key);
    expect(sandbox).toMatchObject({ key, id: idOf(key), state: 'running', alias: 'base', metadata: {} });
    expect(Number(sandbox.endAtMs) - Number(sandbox.startedAtMs)).toBe(5 * MINUTE_MS);
    expect(await sandboxApi('local').killSandbox(key)).toBe('accepted');
    expect(await failureOf(() => sandboxApi('local').getSandbox(key))).toMatchObject({
      code: 'not_found',
      message: 'There is no such sandbox. It may have been terminated.',
    });
    expect(await sandboxApi('local').killSandbox(key)).toBe('already_gone');
  });

  it('is paused and resumed once, with the requested timeout and timeout action', async () => {
    const key = await sandboxApi('local').createSandbox(newSandbox);
    await sandboxApi('local').pauseSandbox(key);
    expect((await sandboxApi('local').getSandbox(key)).state).toBe('paused');
    expect((await failureOf(() => sandboxApi('local').pauseSandbox(key))).code).toBe('conflict');
    await sandboxApi('local').resumeSandbox(key, { timeoutMs: 90_500, autoPause: true });
    const resumed = await sandboxApi('local').getSandbox(key);
    expect(resumed.state).toBe('running');
    expect(Number(resumed.endAtMs) - Number(resumed.startedAtMs)).toBe(91_000);
    expect(
      (await failureOf(() => sandboxApi('local').resumeSandbox(key, { timeoutMs: MINUTE_MS }))).code,
    ).toBe('conflict');
    await sandboxApi('local').killSandbox(key);
  });

  it('gets a new deadline, within the limit of the service', async () => {
    const key = await sandboxApi('local').createSandbox(newSandbox);
    await sandboxApi('local').setSandboxTimeout(key, 20 * MINUTE_MS);
    const endAtMs = async () => Number((await sandboxApi('local').getSandbox(key)).endAtMs) - Date.now();
    expect(Math.abs((await endAtMs()) - 20 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
    await sandboxApi('local').setSandboxTimeout(key, 600 * MINUTE_MS);
    expect(Math.abs((await endAtMs()) - 60 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
    await sandboxApi('local').pauseSandbox(key);
    expect((await failureOf(() => sandboxApi('local').setSandboxTimeout(key, MINUTE_MS))).code).toBe(
      'not_found',
    );
    await sandboxApi('local').killSandbox(key);
  });

  it('is not changed or resumed by a reading', async () => {
    const key = await sandboxApi('local').createSandbox(newSandbox);
    await sandboxApi('local').pauseSandbox(key);
    const before = await engine.detail(idOf(key));
    for (let time = 0; time < 3; time += 1) {
      await sandboxApi('local').getSandbox(key);
      await sandboxApi('local').listSandboxes(null);
      await sandboxApi('local').listSandboxRuns(null);
    }
    expect(await engine.detail(idOf(key))).toEqual(before);
    expect(before.state).toBe('paused');
    await sandboxApi('local').killSandbox(key);
  });
});

describe('creating', () => {
  it('rejects an unknown template by name', async () => {
    expect(
      await failureOf(() => sandboxApi('local').createSandbox({ ...newSandbox, template: 'nowhere' })),
    ).toMatchObject({
      code: 'invalid',
      message: 'There is no template named "nowhere".',
    });
  });

  it('reports the quota beyond the limit, also for a resume', async () => {
    const first = await sandboxApi('local').createSandbox(newSandbox);
    await sandboxApi('local').pauseSandbox(first);
    const { json } = await engine.call('GET', '/engine/status');
    const { maxRunning, running } = json as { maxRunning: number; running: number };
    for (let made = running; made < maxRunning; made += 1) await engine.create();
    expect((await failureOf(() => sandboxApi('local').createSandbox(newSandbox))).code).toBe('quota');
    expect(
      await failureOf(() => sandboxApi('local').resumeSandbox(first, { timeoutMs: MINUTE_MS })),
    ).toMatchObject({
      code: 'quota',
      message: 'The limit of concurrently running sandboxes is reached. Pause or kill one first.',
    });
    await killAll();
  });

  it('lists the templates by name', async () => {
    const templates = await sandboxApi('local').listTemplates();
    expect(templates.map(({ name }) => name)).toContain('base');
    expect(templates[0]).toEqual({
      id: expect.any(String),
      name: expect.any(String),
      cpuCount: expect.any(Number),
      memoryMB: expect.any(Number),
    });
  });
});

it('lists terminated sandboxes', async () => {
  const key = await sandboxApi('local').createSandbox(newSandbox);
  await sandboxApi('local').killSandbox(key);
  const { runs } = await sandboxApi('local').listSandboxRuns(null);
  expect(runs[0]).toEqual({
    sandboxId: idOf(key),
    templateName: 'base',
    status: 'stopped',
    createdAtMs: expect.any(Number),
    endReason: 'killed',
    endedAtMs: expect.any(Number),
  });
});

it('lists terminated sandboxes page by page', async () => {
  for (let made = 0; made < 3; made += 1)
    await sandboxApi('local').killSandbox(await sandboxApi('local').createSandbox(newSandbox));
  const first = await sandboxApi('local').listSandboxRuns(null);
  expect(first.nextCursor).not.toBeNull();
  const second = await sandboxApi('local').listSandboxRuns(first.nextCursor);
  const ids = [...first.runs, ...second.runs].map(({ sandboxId }) => sandboxId);
  expect(new Set(ids).size).toBe(ids.length);
});

describe('failures', () => {
  it('treats a list that is not found as a wrong URL', async () => {
    await engine.fault({ route: 'GET /v2/sandboxes', status: 404 });
    const error = await failureOf(() => sandboxApi('local').listSandboxes(null));
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('SANDKEEPER_ENGINE_URL'),
    });
  });

  it.each([
    [{ status: 401 }, 'unauthenticated'],
    [{ status: 403 }, 'forbidden'],
    [{ status: 404 }, 'not_found'],
    [{ status: 409 }, 'conflict'],
    [{ status: 400 }, 'invalid'],
    [{ status: 422 }, 'invalid'],
    [{ status: 408 }, 'timeout'],
    [{ status: 429 }, 'rate_limited'],
    [{ status: 500 }, 'unavailable'],
    [{ status: 502 }, 'unavailable'],
    [{ status: 503 }, 'unavailable'],
    [{ status: 504 }, 'timeout'],
    [{ status: 418 }, 'unexpected'],
    [{ reset: true }, 'unavailable'],
  ] as const)('an answer of %j is %s, and its text is not for people', async (fault, code) => {
    await engine.fault({ route: 'GET /sandboxes/*', message: 'upstream text', ...fault });
    const failure = await failureOf(() => sandboxApi('local').getSandbox('local/i0'));
    expect(failure.code).toBe(code);
    expect(failure.message).not.toContain('upstream text');
  });

  it('reads Retry-After, and treats a 429 without it as the quota when a sandbox is started', async () => {
    await engine.fault({ route: '* /v2/sandboxes', status: 429, retryAfterSeconds: 7 });
    expect(await failureOf(() => sandboxApi('local').listSandboxes(null))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 7_000,
    });
    await engine.fault({ route: 'POST /sandboxes', status: 429, retryAfterSeconds: 2, count: 1 });
    expect(await failureOf(() => sandboxApi('local').createSandbox(newSandbox))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 2_000,
    });
    await engine.fault({ route: 'POST /sandboxes', status: 429 });
    expect(await failureOf(() => sandboxApi('local').createSandbox(newSandbox))).toMatchObject({
      code: 'quota',
      retryAfterMs: undefined,
    });
  });

  it('times out without a response', async () => {
    await engine.fault({ route: 'GET /templates', latencyMs: 2_000 });
    const { url: apiUrl, apiKey: key } = engine;
    const hasty = createSandboxApi(
      { name: 'local', kind: 'local', apiUrl, key, domain: 'engine' },
      { callMs: 100 },
    );
    onTestFinished(hasty.close);
    expect(await failureOf(hasty.listTemplates)).toMatchObject({
      code: 'timeout',
      message: 'The sandbox service took too long with listing templates.',
    });
  });
});

describe('a service that violates the protocol', () => {
  /** The gateway to its own server. */
  async function serve(listener: RequestListener) {
    const connection = {
      name: 'moru',
      kind: 'moru',
      apiUrl: await serveHttp(listener),
      key: 'key-of-a-test',
      domain: 'x',
    } as const;
    const api = createSandboxApi(connection, { callMs: 15_000 });
    onTestFinished(api.close);
    return api;
  }

  const codeOf = async (work: () => Promise<unknown>) => (await thrownBy(work)) as { code: string };

  it.each([
    ['not JSON', '<html>hello</html>'],
    ['not a list', '{"sandboxes":[]}'],
    ['nothing', ''],
  ])('a body that is %s is unexpected', async (_, body) => {
    const gateway = await serve((_req, res) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(body),
    );
    expect(await codeOf(() => gateway.listSandboxes(null))).toMatchObject({ code: 'unexpected' });
  });

  it('rejects a sandbox without an id', async () => {
    const gateway = await serve((_req, res) => res.end('{"state":"running"}'));
    expect(await codeOf(() => gateway.getSandbox('moru/i0'))).toMatchObject({ code: 'unexpected' });
  });

  it('is unavailable if it cuts off the body or does not listen', async () => {
    const gateway = await serve((_req, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('[');
      setTimeout(() => res.destroy(), 20);
    });
    expect(await codeOf(() => gateway.listSandboxes(null))).toMatchObject({ code: 'unavailable' });
    const connection = {
      name: 'moru',
      kind: 'moru',
      apiUrl: 'http://127.0.0.1:9',
      key: '',
      domain: 'x',
    } as const;
    const nowhere = createSandboxApi(connection, { callMs: 15_000 });
    onTestFinished(nowhere.close);
    expect(await codeOf(() => nowhere.listSandboxes(null))).toMatchObject({ code: 'unavailable' });
  });

  it('keeps every row with an id, whatever else it lacks, and counts the others', async () => {
    const row = {
      sandboxID: 'i0',
      templateID: 't',
      state: 'snapshotting',
      startedAt: '2026-01-01T00:00:00.123456789Z',
      endAt: '2026-01-01T01:00:00Z',
      cpuCount: 2,
      memoryMB: 512,
    };
    const rows = [
      row,
      { ...row, sandboxID: '../../etc' },
      { ...row, sandboxID: 'i1', startedAt: 'soon' },
      { ...row, sandboxID: 'i2', metadata: { n: 1 } },
      null,
      { ...row, sandboxID: 'i3', state: 'running', metadata: null, alias: null, envdVersion: '9' },
    ];
    const gateway = await serve((_req, res) => res.end(JSON.stringify(rows)));
    const page = await gateway.listSandboxes(null);
    expect(page.unreadable).toBe(2);
    expect(page.sandboxes.map(({ id, state, metadata }) => [id, state, metadata])).toEqual([
      ['i0', 'unknown', {}],
      ['i1', 'unknown', {}],
      ['i2', 'unknown', { n: '1' }],
      ['i3', 'running', {}],
    ]);
    expect(page.sandboxes[1]?.startedAtMs).toBeNull();
  });

  it('accepts a date in Retry-After', async () => {
    const at = new Date(Date.now() + 30_000).toUTCString();
    const gateway = await serve((_req, res) => res.writeHead(429, { 'retry-after': at }).end('{}'));
    const failure = (await thrownBy(() => gateway.listSandboxes(null))) as { retryAfterMs: number };
    expect(failure.retryAfterMs).toBeGreaterThan(27_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(30_000);
  });
});

it('reports a wrong key as unauthenticated', async () => {
  simulateNewProcess({ SANDKEEPER_ENGINE_KEY: 'moru_0000000000000000000000000000000000000000' });
  const gateway = await import('./configured');
  expect(await thrownBy(() => gateway.sandboxApi('local').listSandboxes(null))).toMatchObject({
    code: 'unauthenticated',
    message: 'The sandbox service refused the API key. Check SANDKEEPER_ENGINE_KEY.',
  });
});

it('never returns the key or the token of a sandbox', async () => {
  const key = await sandboxApi('local').createSandbox(newSandbox);
  const { envdAccessToken } = await engine.detail(idOf(key));
  expect(envdAccessToken.length).toBeGreaterThan(16);
  const failure = await thrownBy(async () =>
    sandboxApi('local').pauseSandbox(
      await sandboxApi('local')
        .pauseSandbox(key)
        .then(() => key),
    ),
  );
  const outcome = [
    key,
    await sandboxApi('local').listSandboxes(null),
    await sandboxApi('local').getSandbox(key),
    await sandboxApi('local').listSandboxRuns(null),
    await sandboxApi('local').listTemplates(),
    await sandboxApi('local').resumeSandbox(key, { timeoutMs: MINUTE_MS }),
    await sandboxApi('local').setSandboxTimeout(key, MINUTE_MS),
    failure,
    failure instanceof SandkeeperError ? [failure.message, failure.cause] : [],
    await sandboxApi('local').killSandbox(key),
  ];
  const text = JSON.stringify(outcome);
  expect(text).toContain(idOf(key));
  expect(text).not.toContain(envdAccessToken);
  expect(text).not.toContain(engine.apiKey);
  expect(text).not.toMatch(/token/i);
});

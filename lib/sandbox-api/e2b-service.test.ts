import type { IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectionKind } from '../connection';
import { SandkeeperError } from '../errors';
import { serveHttp, thrownBy } from '../test-support/environment';
import { createSandboxApi } from './sandbox-api';

/** A service that answers like E2B, or like one that is only compatible with it. */

type Answer = [status: number, body?: unknown, headers?: Record<string, string>];
type Routes = Record<string, Answer | ((request: IncomingMessage) => Answer)>;

const NAME = 'e2b';
const KEY = 'e2b_0123456789abcdef0123456789abcdef';
const SANDBOX = { sandboxID: 'i0', state: 'running', startedAt: '2026-01-01T00:00:00Z' };

/** Serves `routes`, such as `GET /sandboxes/i0`. Any other is a 404. */
async function serve(
  routes: Routes,
  { kind = 'e2b', teamId }: { kind?: ConnectionKind; teamId?: string } = {},
) {
  const requests: string[] = [];
  const url = await serveHttp((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    requests.push(`${request.method} ${request.url}`);
    const route = routes[`${request.method} ${path}`] ?? [404, { code: 404, message: 'no such route' }];
    const [status, body, headers = {}] = typeof route === 'function' ? route(request) : route;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  });
  const api = createSandboxApi(
    { name: NAME, kind, apiUrl: url, key: KEY, domain: 'e2b.app', teamId },
    { callMs: 15_000 },
  );
  onTestFinished(api.close);
  return { api, requests };
}

const failureOf = async (work: () => Promise<unknown>) => {
  const thrown = await thrownBy(work);
  if (!(thrown instanceof SandkeeperError)) throw thrown;
  return thrown;
};

it('sends the key in its header, and the path of the address', async () => {
  const seen: unknown[] = [];
  const url = await serveHttp((request, response) => {
    seen.push([request.url, request.headers['x-api-key']]);
    response.end('[]');
  });
  const connection = {
    name: NAME,
    kind: 'e2b-compatible',
    apiUrl: `${url}/kruise/api/`,
    key: KEY,
    domain: 'x',
  } as const;
  const api = createSandboxApi(connection, { callMs: 15_000 });
  onTestFinished(api.close);
  await api.listSandboxes(null);
  expect(seen).toEqual([['/kruise/api/v2/sandboxes?limit=100', KEY]]);
});

describe('a sandbox', () => {
  it.each([
    [
      { onTimeout: 'pause', autoResume: true },
      { onTimeout: 'pause', autoResume: true },
    ],
    [{ onTimeout: 'kill' }, { onTimeout: 'kill', autoResume: false }],
    [{ onTimeout: 'sleep' }, undefined],
    [undefined, undefined],
  ])('with the lifecycle %j is read', async (lifecycle, expected) => {
    const { api } = await serve({ 'GET /sandboxes/i0': [200, { ...SANDBOX, lifecycle }] });
    expect((await api.getSandbox('e2b/i0')).lifecycle).toEqual(expected);
  });

  it('is listed from a time on where the service can, and only there', async () => {
    const routes: Routes = { 'GET /v2/sandboxes': [200, [SANDBOX]] };
    const e2b = await serve(routes);
    await e2b.api.listSandboxes(null, Date.UTC(2026, 0, 1));
    expect(e2b.requests).toEqual(['GET /v2/sandboxes?limit=100&startedAfter=2026-01-01T00%3A00%3A00.000Z']);
    const other = await serve(routes, { kind: 'e2b-compatible' });
    await other.api.listSandboxes(null, Date.UTC(2026, 0, 1));
    expect(other.requests).toEqual(['GET /v2/sandboxes?limit=100']);
  });
});

describe('a refusal', () => {
  it.each([
    [410, {}, 'not_found', undefined],
    [409, {}, 'conflict', undefined],
    [409, { 'retry-after': '2' }, 'conflict', 2_000],
    [429, { 'ratelimit-remaining': '0', 'ratelimit-reset': '7' }, 'rate_limited', 7_000],
    [429, { 'retry-after': '3', 'ratelimit-remaining': '0', 'ratelimit-reset': '7' }, 'rate_limited', 3_000],
    [502, {}, 'unavailable', undefined],
    [503, { 'ratelimit-reset': '5' }, 'unavailable', 5_000],
    [504, {}, 'timeout', undefined],
    [405, {}, 'not_offered', undefined],
    [501, {}, 'not_offered', undefined],
  ] as const)('with %i and %j is %s', async (status, headers, code, retryAfterMs) => {
    const { api } = await serve({ 'GET /sandboxes/i0': [status, {}, headers] });
    expect(await failureOf(() => api.getSandbox('e2b/i0'))).toMatchObject({ code, retryAfterMs });
  });

  it('of a start is the quota while requests are left, else the limit of requests', async () => {
    const request = { template: 'base', metadata: {}, timeoutMs: 60_000, autoPause: false };
    const withHeaders = (headers: Record<string, string>) => serve({ 'POST /sandboxes': [429, {}, headers] });
    const full = await withHeaders({ 'ratelimit-remaining': '40', 'ratelimit-reset': '7' });
    expect(await failureOf(() => full.api.createSandbox(request))).toMatchObject({
      code: 'quota',
      retryAfterMs: undefined,
    });
    const limited = await withHeaders({ 'ratelimit-remaining': '0', 'ratelimit-reset': '7' });
    expect(await failureOf(() => limited.api.createSandbox(request))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 7_000,
    });
  });

  it('does not keep the key that its text quotes', async () => {
    const texts = [`bad key ${KEY}`, `{"key":"${KEY}"}`, `basic ${Buffer.from(KEY).toString('base64')}`];
    for (const message of texts) {
      const { api } = await serve({ 'GET /sandboxes/i0': [401, { code: 401, message }] });
      const failure = await failureOf(() => api.getSandbox('e2b/i0'));
      expect(failure.code).toBe('unauthenticated');
      const kept = JSON.stringify([failure.message, failure.words, failure.cause]);
      expect(kept).toContain('…');
      expect(kept).not.toContain(KEY);
      expect(kept).not.toContain(Buffer.from(KEY).toString('base64'));
    }
  });
});

describe('a route that the service lacks', () => {
  it('is learned from 405 at once', async () => {
    const { api } = await serve({ 'POST /sandboxes/i0/pause': [405, { code: 405, message: 'no' }] });
    expect(api.capabilities.lacking().pause).toBeUndefined();
    expect((await failureOf(() => api.pauseSandbox('e2b/i0'))).code).toBe('not_offered');
    expect(api.capabilities.lacking().pause).toBe('This service cannot pause sandboxes.');
  });

  it('is told apart from a sandbox that is gone by reading the sandbox', async () => {
    const { api, requests } = await serve({
      'GET /sandboxes/i1': [200, { ...SANDBOX, sandboxID: 'i1' }],
      'GET /sandboxes/i2': [200, { ...SANDBOX, sandboxID: 'i2' }],
    });
    expect((await failureOf(() => api.pauseSandbox('e2b/gone'))).code).toBe('not_found');
    expect(requests).toEqual(['POST /sandboxes/gone/pause', 'GET /sandboxes/gone']);
    expect((await failureOf(() => api.pauseSandbox('e2b/i1'))).code).toBe('not_offered');
    // One sandbox may be about to end.
    expect(api.capabilities.can('pause')).toBe(true);
    expect((await failureOf(() => api.pauseSandbox('e2b/i2'))).code).toBe('not_offered');
    expect(api.capabilities.can('pause')).toBe(false);
  });

  it('is not concluded from a paused sandbox that has no deadline', async () => {
    const paused = (id: string): Answer => [200, { ...SANDBOX, sandboxID: id, state: 'paused' }];
    const { api } = await serve({ 'GET /sandboxes/i1': paused('i1'), 'GET /sandboxes/i2': paused('i2') });
    for (const key of ['e2b/i1', 'e2b/i2'] as const)
      expect((await failureOf(() => api.setSandboxTimeout(key, 60_000))).code).toBe('not_found');
    expect(api.capabilities.can('setTimeout')).toBe(true);
  });
});

describe('logs', () => {
  const entry = { timestamp: '2026-01-01T00:00:01Z', message: 'hello', level: 'warn', fields: { a: 'b' } };
  const older = { timestamp: '2026-01-01T00:00:00Z', message: 'first', eventType: 'stdout' };

  it('are read in the second version, by level and text', async () => {
    const { api, requests } = await serve({
      'GET /v2/sandboxes/i0/logs': [200, { logs: [entry, 5, older] }],
    });
    const request = {
      direction: 'backward',
      cursorMs: 7,
      level: 'warn',
      search: 'x y',
      limit: 5_000,
    } as const;
    expect(await api.readLogs('e2b/i0', request)).toEqual([
      { atMs: Date.UTC(2026, 0, 1), message: 'first', level: '', eventType: 'stdout', fields: {} },
      {
        atMs: Date.UTC(2026, 0, 1, 0, 0, 1),
        message: 'hello',
        level: 'warn',
        eventType: '',
        fields: { a: 'b' },
      },
    ]);
    expect(requests).toEqual([
      'GET /v2/sandboxes/i0/logs?cursor=7&direction=backward&limit=1000&level=warn&search=x+y',
    ]);
  });

  it('are read in the first version where there is no second, which is asked for once', async () => {
    const routes: Routes = { 'GET /sandboxes/i0/logs': [200, { logs: [], logEntries: [older] }] };
    const { api, requests } = await serve(routes, { kind: 'e2b-compatible' });
    for (let time = 0; time < 2; time += 1)
      expect((await api.readLogs('e2b/i0', { direction: 'forward' })).map(({ message }) => message)).toEqual([
        'first',
      ]);
    expect(requests.map((line) => line.split('?')[0])).toEqual([
      'GET /v2/sandboxes/i0/logs',
      'GET /sandboxes/i0/logs',
      'GET /sandboxes/i0/logs',
    ]);
  });

  it('are not offered by a service without either', async () => {
    const { api } = await serve({}, { kind: 'e2b-compatible' });
    expect((await failureOf(() => api.readLogs('e2b/i0', { direction: 'forward' }))).code).toBe(
      'not_offered',
    );
    expect(api.capabilities.lacking().logs).toBe('This service has no logs.');
  });
});

describe('metrics', () => {
  const metric = {
    timestamp: '2026-01-01T00:00:00Z',
    cpuCount: 2,
    cpuUsedPct: 12.5,
    memUsed: 1,
    memTotal: 4,
  };

  it('are read with what the service reports, cached memory included', async () => {
    const { api, requests } = await serve({
      'GET /sandboxes/i0/metrics': [200, [{ ...metric, memCache: 3, diskUsed: -1 }, { cpuCount: 1 }]],
    });
    expect(await api.readMetrics('e2b/i0', { fromMs: 1_500, toMs: 9_000 })).toEqual([
      {
        atMs: Date.UTC(2026, 0, 1),
        cpuCount: 2,
        cpuUsedPercent: 12.5,
        memoryUsedBytes: 1,
        memoryTotalBytes: 4,
        memoryCacheBytes: 3,
        diskUsedBytes: null,
        diskTotalBytes: null,
      },
    ]);
    expect(requests).toEqual(['GET /sandboxes/i0/metrics?start=1&end=9']);
  });

  it('of many sandboxes leave out those without any', async () => {
    const sandboxes = { i0: metric, other: metric, i2: {} };
    const { api, requests } = await serve({ 'GET /sandboxes/metrics': [200, { sandboxes }] });
    const latest = await api.readLatestMetrics(['e2b/i0', 'e2b/i1', 'e2b/i2', 'e2b/__proto__']);
    expect([...latest.keys()]).toEqual(['e2b/i0']);
    expect(requests).toEqual(['GET /sandboxes/metrics?sandbox_ids=i0%2Ci1%2Ci2%2C__proto__']);
  });
});

it.each([
  ['camel case', 'sandboxId', 'eventData'],
  ['snake case', 'sandbox_id', 'event_data'],
])('reads how a sandbox ended from its events in %s', async (_, id, data) => {
  const event = (type: string, timestamp: string, content: unknown = null) => ({
    [id]: 'i0',
    type: `sandbox.lifecycle.${type}`,
    timestamp,
    [data]: content,
  });
  const { api } = await serve({
    'GET /events/sandboxes/i0': [
      200,
      [
        event('created', '2026-01-01T00:00:00Z'),
        event('killed', '2026-01-01T01:00:00Z', {
          kill_reason: 'timeout',
          execution: { started_at: '2026-01-01T00:00:00Z', vcpu_count: 2 },
        }),
        { ...event('killed', '2026-01-01T02:00:00Z'), [id]: 'another' },
      ],
    ],
  });
  expect(await api.readEvents('e2b/i0')).toEqual([
    {
      sandboxId: 'i0',
      kind: 'killed',
      atMs: Date.UTC(2026, 0, 1, 1),
      killReason: 'timeout',
      startedAtMs: Date.UTC(2026, 0, 1),
    },
    { sandboxId: 'i0', kind: 'created', atMs: Date.UTC(2026, 0, 1), killReason: null, startedAtMs: null },
  ]);
});

describe('a probe', () => {
  it('finds what a compatible service offers, with reads of the control plane alone', async () => {
    const routes: Routes = {
      'GET /v2/sandboxes': [200, [SANDBOX], { 'x-next-token': 'more' }],
      'GET /sandboxes/i0': [200, { ...SANDBOX, lifecycle: { onTimeout: 'pause', autoResume: false } }],
      'GET /sandboxes/i0/metrics': [200, []],
      'GET /sandboxes/i0/logs': [501, {}],
      'GET /templates': [200, []],
      'GET /snapshots': [403, {}],
      'GET /teams/t1/metrics': [200, []],
    };
    const { api, requests } = await serve(routes, { kind: 'e2b-compatible', teamId: 't1' });
    await api.probe();
    const { findings, text } = api.describeCapabilities();
    const support = Object.fromEntries(findings.map((found) => [found.name, found.support]));
    expect(support).toMatchObject({
      cursor: 'yes',
      lifecycle: 'yes',
      metrics: 'yes',
      templates: 'yes',
      teamMetrics: 'yes',
      batchMetrics: 'no',
      logs: 'no',
      logsV2: 'no',
      events: 'no',
      runs: 'no',
      // It exists, but this key may not read it.
      snapshots: 'unknown',
      pause: 'unknown',
    });
    expect(text).toMatch(/\nLogs +no +probe: answered 501\n/);
    expect(requests.every((line) => line.startsWith('GET '))).toBe(true);
  });

  it('concludes nothing from routes of a sandbox that ends meanwhile', async () => {
    const { api } = await serve({ 'GET /v2/sandboxes': [200, [SANDBOX]] }, { kind: 'e2b-compatible' });
    await api.probe();
    expect(api.capabilities.support('metrics')).toBe('unknown');
    expect(api.capabilities.support('runs')).toBe('no');
  });

  it('notices a list that ignores the size of its pages', async () => {
    const rows = ['i0', 'i1', 'i2'].map((sandboxID) => ({ ...SANDBOX, sandboxID }));
    const { api } = await serve({ 'GET /v2/sandboxes': [200, rows] }, { kind: 'e2b-compatible' });
    await api.probe();
    expect(api.capabilities.lacking().cursor).toMatch(/without pages/);
  });
});

it('shares nothing between two connections', async () => {
  const ahead = { date: new Date(Date.now() + 600_000).toUTCString() };
  const one = await serve({ 'GET /sandboxes/i0': [200, SANDBOX, ahead], 'POST /sandboxes/i0/pause': [405] });
  const two = await serve({ 'GET /sandboxes/i0': [200, SANDBOX], 'POST /sandboxes/i0/pause': [204] });
  for (const { api } of [one, two]) {
    await api.getSandbox('e2b/i0');
    await api.pauseSandbox('e2b/i0').catch(() => {});
  }
  expect(Math.round(one.api.clock.aheadMs / 60_000)).toBe(10);
  expect(two.api.clock.aheadMs).toBe(0);
  expect([one.api.capabilities.can('pause'), two.api.capabilities.can('pause')]).toEqual([false, true]);
});

it('closes its own sockets only', async () => {
  const slow = await serve({ 'GET /v2/sandboxes': [200, []] });
  const silent = await serveHttp(() => {});
  const connection = { name: NAME, kind: 'e2b', apiUrl: silent, key: KEY, domain: 'x' } as const;
  const hanging = createSandboxApi(connection, { callMs: 60_000 });
  const failing = failureOf(() => hanging.listSandboxes(null));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await hanging.close();
  expect((await failing).code).toBe('unavailable');
  expect((await slow.api.listSandboxes(null)).sandboxes).toEqual([]);
});

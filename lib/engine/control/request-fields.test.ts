import type { paths as MoruPaths } from '@moru-ai/core';
import type { paths as E2bPaths } from 'e2b';
import { expect, test } from 'vitest';
import { apiKeyFor, type Dialect } from '../dialect';
import { FakeGuests, startTestEngine, type TestEngine } from '../test-engine';

/**
 * Every field and parameter that the published SDKs know is carried out or refused by its name. The types are those of the
 * SDKs: an update that adds a name does not compile until it is listed here.
 */

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type QueryOf<Operation> = Operation extends { parameters: { query?: infer Query } }
  ? NonNullable<Query>
  : never;
type BodyOf<Operation> = Operation extends { requestBody?: infer Body }
  ? NonNullable<Body> extends { content: { 'application/json': infer Json } }
    ? NonNullable<Json>
    : never
  : never;
type NamesOf<Operation> = keyof QueryOf<Operation> | keyof BodyOf<Operation>;
type MethodsOf<Item> = {
  [M in Method & keyof Item as [NonNullable<Item[M]>] extends [never] ? never : M]: {
    [Name in NamesOf<NonNullable<Item[M]>>]-?: unknown;
  };
};
/** An example for each name of each route. */
type Examples<Paths, NotOffered extends keyof Paths> = {
  [Path in Exclude<keyof Paths, NotOffered>]: MethodsOf<Paths[Path]>;
};

const E2B_NOT_OFFERED = [
  '/secrets',
  '/secrets/{secretID}',
  '/teams',
  '/teams/{teamID}/metrics',
  '/teams/{teamID}/metrics/max',
  '/templates/{templateID}/builds/{buildID}/logs',
  '/templates/{templateID}/builds/{buildID}/status',
  '/templates/{templateID}/files/{hash}',
  '/v2/templates/{templateID}/builds/{buildID}',
  '/v3/templates',
  '/volumes',
  '/volumes/{volumeID}',
] as const satisfies readonly (keyof E2bPaths)[];

const NEW_SANDBOX = {
  templateID: 'base',
  timeout: 60,
  autoPause: true,
  allow_internet_access: false,
  network: { denyOut: ['0.0.0.0/0'] },
  metadata: { team: 'data' },
  envVars: { NAME: 'value' },
  mcp: { exa: {} },
};
const NEW_E2B_SANDBOX = {
  ...NEW_SANDBOX,
  autoPauseMemory: false,
  autoResume: { enabled: true },
  iam: { tokens: { aws: { audience: 'a', tokenType: 't' } } },
  volumeMounts: [{ name: 'data', path: '/data/x' }],
};
const LIST = { state: 'running', metadata: 'team=data', limit: 5, nextToken: '' };
const PAGE = { limit: 5, nextToken: '' };
const RANGE = { start: 1, end: 2 };
const TAGS = ['stable'];

const E2B: Examples<E2bPaths, (typeof E2B_NOT_OFFERED)[number]> = {
  '/sandboxes': { get: { metadata: 'team=data' }, post: { ...NEW_E2B_SANDBOX, secure: true } },
  '/v2/sandboxes': {
    get: { ...LIST, order: 'asc', startedAfter: '2026-01-01T00:00:00Z', template: 'base' },
    post: NEW_E2B_SANDBOX,
  },
  '/sandboxes/metrics': { get: { sandbox_ids: 'inone' } },
  '/sandboxes/{sandboxID}': { get: {}, delete: {} },
  '/sandboxes/{sandboxID}/connect': { post: { timeout: 60, memory: false } },
  '/v2/sandboxes/{sandboxID}/connect': { post: { timeout: 60, memory: false } },
  '/sandboxes/{sandboxID}/fork': { post: { count: 1, timeout: 60 } },
  '/sandboxes/{sandboxID}/logs': { get: { limit: 5, start: 1 } },
  '/v2/sandboxes/{sandboxID}/logs': {
    get: { cursor: 1, limit: 5, direction: 'backward', level: 'warn', search: 'text' },
  },
  '/sandboxes/{sandboxID}/metrics': { get: RANGE },
  '/sandboxes/{sandboxID}/network': {
    put: {
      allow_internet_access: false,
      allowOut: ['8.8.8.8'],
      denyOut: ['0.0.0.0/0'],
      egressProxy: { address: 'proxy:1080' },
      rules: { 'api.example': [] },
    },
  },
  '/sandboxes/{sandboxID}/pause': { post: { memory: false } },
  '/sandboxes/{sandboxID}/refreshes': { post: { duration: 60 } },
  '/sandboxes/{sandboxID}/resume': { post: { timeout: 60, autoPause: true, memory: false } },
  '/sandboxes/{sandboxID}/snapshots': { post: { name: 'kept' } },
  '/sandboxes/{sandboxID}/timeout': { post: { timeout: 60 } },
  '/snapshots': { get: { ...PAGE, name: 'kept', sandboxID: 'inone' } },
  '/templates': { get: { teamID: '00000000-0000-0000-0000-000000000000' } },
  '/v2/templates': { get: { ...PAGE, teamID: '00000000-0000-0000-0000-000000000000' } },
  '/templates/{templateID}': { get: PAGE, patch: { public: true }, delete: {} },
  '/v2/templates/{templateID}': { patch: { public: true } },
  '/templates/{templateID}/tags': { get: {} },
  '/templates/aliases/{alias}': { get: {} },
  '/templates/tags': { post: { target: 'base', tags: TAGS }, delete: { name: 'base', tags: TAGS } },
};

const BUILD = {
  alias: 'own',
  cpuCount: 1,
  dockerfile: 'FROM x',
  memoryMB: 512,
  readyCmd: 'true',
  startCmd: 'true',
  teamID: 'x',
};

const MORU_NOT_OFFERED = [
  '/teams',
  '/teams/{teamID}/metrics',
  '/teams/{teamID}/metrics/max',
  '/templates/{templateID}/builds/{buildID}',
  '/templates/{templateID}/builds/{buildID}/logs',
  '/templates/{templateID}/builds/{buildID}/status',
  '/templates/{templateID}/files/{hash}',
  '/v2/templates',
  '/v2/templates/{templateID}/builds/{buildID}',
  '/v3/templates',
] as const satisfies readonly (keyof MoruPaths)[];

const MORU: Examples<MoruPaths, (typeof MORU_NOT_OFFERED)[number]> = {
  '/sandboxes': { get: { metadata: 'team=data' }, post: { ...NEW_SANDBOX, secure: true } },
  '/v2/sandboxes': { get: LIST },
  '/sandboxes/metrics': { get: { sandbox_ids: 'inone' } },
  '/sandboxes/{sandboxID}': { get: {}, delete: {} },
  '/sandboxes/{sandboxID}/connect': { post: { timeout: 60 } },
  '/sandboxes/{sandboxID}/logs': { get: { cursor: 1, limit: 5, direction: 'backward', eventType: 'stdout' } },
  '/sandboxes/{sandboxID}/metrics': { get: RANGE },
  '/sandboxes/{sandboxID}/pause': { post: {} },
  '/sandboxes/{sandboxID}/refreshes': { post: { duration: 60 } },
  '/sandboxes/{sandboxID}/resume': { post: { timeout: 60, autoPause: true } },
  '/sandboxes/{sandboxID}/timeout': { post: { timeout: 60 } },
  '/templates': { get: { teamID: '00000000-0000-0000-0000-000000000000' }, post: BUILD },
  '/templates/{templateID}': { get: PAGE, post: BUILD, patch: { public: true }, delete: {} },
};

/** Names of request bodies that their route cannot do without. */
const REQUIRED = new Set(['templateID', 'timeout', 'target', 'name', 'tags']);
/** These ask for something that the engine lacks, and so are refused. */
const REFUSED = new Set([
  ...['iam', 'volumeMounts', 'allowOut', 'egressProxy', 'rules', 'public'],
  ...Object.keys(BUILD),
]);

type Case = {
  dialect: Dialect;
  method: Method;
  path: string;
  name: string | null;
  examples: Record<string, unknown>;
};

function casesOf(
  dialect: Dialect,
  routes: Record<string, Partial<Record<Method, Record<string, unknown>>>>,
): Case[] {
  return Object.entries(routes).flatMap(([path, methods]) =>
    (Object.entries(methods) as [Method, Record<string, unknown>][]).flatMap(([method, examples]) => {
      const names = Object.keys(examples);
      return (names.length === 0 ? [null] : names).map((name) => ({ dialect, method, path, name, examples }));
    }),
  );
}

async function call(engine: TestEngine, { dialect, method, path, name, examples }: Case, unknown = {}) {
  const id = path.includes('{sandboxID}') ? await engine.create() : '';
  if (/\/(resume|connect)$/.test(path)) await engine.call('POST', `/sandboxes/${id}/pause`);
  const fields = { ...unknown, ...pick(examples, (key) => key === name || REQUIRED.has(key)) };
  const isQuery = method === 'get';
  const parameters = Object.entries(isQuery ? { ...unknown, ...pick(examples, (key) => key === name) } : {});
  const query = new URLSearchParams(parameters.map(([key, value]) => [key, String(value)]));
  const to = path.replace('{sandboxID}', id).replace(/\{(templateID|alias)\}/, 'base');
  const response = await engine.call(method.toUpperCase(), `${to}?${query}`, {
    key: apiKeyFor(dialect, engine.apiKey),
    body: isQuery || Object.keys(fields).length === 0 ? undefined : fields,
  });
  if (id !== '') await engine.call('DELETE', `/sandboxes/${id}`);
  return response;
}

function pick(examples: Record<string, unknown>, isWanted: (key: string) => boolean) {
  return Object.fromEntries(Object.entries(examples).filter(([key]) => isWanted(key)));
}

const SDKS = [
  { dialect: 'e2b', routes: E2B, notOffered: E2B_NOT_OFFERED },
  { dialect: 'moru', routes: MORU, notOffered: MORU_NOT_OFFERED.filter((path) => path !== '/v2/templates') },
] as const;

test.each(SDKS)(
  'carries out or refuses by name each field of the SDK of $dialect',
  async ({ dialect, routes }) => {
    const engine = await startTestEngine({ openGuests: new FakeGuests().open, maxRunning: 1_000 });
    await engine.call('POST', '/templates/tags', { body: { target: 'base', tags: TAGS } });
    for (const one of casesOf(dialect, routes)) {
      const { status, text } = await call(engine, one);
      const at = `${one.method} ${one.path} with ${one.name}: ${status} ${text}`;
      if (one.method !== 'get' && REFUSED.has(one.name ?? '')) {
        expect([400, 501], at).toContain(status);
      } else if (one.method === 'delete' && one.path.startsWith('/templates')) {
        // The built-in ones and their default tag stay.
        expect([204, 400, 403, 404], at).toContain(status);
      } else expect([200, 201, 204], at).toContain(status);
    }
  },
);

test.each(SDKS)(
  'refuses any other name on each route of the SDK of $dialect',
  async ({ dialect, routes }) => {
    const engine = await startTestEngine({ openGuests: new FakeGuests().open, maxRunning: 1_000 });
    const refusal = 'validation error: tpyo: the local engine knows no such name here and ignores nothing';
    for (const one of casesOf(dialect, routes)) {
      const hasBody =
        one.method !== 'get' && Object.keys(one.examples).length > 0 && !REFUSED.has(one.name ?? '');
      if (one.method !== 'get' && !hasBody) continue;
      const { json } = await call(engine, one, { tpyo: '1' });
      expect(json, `${one.method} ${one.path}`).toEqual({ code: 400, message: refusal });
    }
  },
);

test.each(SDKS)(
  'says that it lacks the other routes of the SDK of $dialect',
  async ({ dialect, notOffered }) => {
    const engine = await startTestEngine({ openGuests: new FakeGuests().open });
    const key = apiKeyFor(dialect, engine.apiKey);
    for (const path of notOffered) {
      const { status, text } = await engine.call('GET', `${path.replace(/\{\w+\}/g, 'x')}?limit=1`, { key });
      expect([path, status, text]).toEqual([path, 501, expect.stringContaining('does not offer')]);
    }
  },
);

test.each([
  ['/sandboxes', { templateID: 'base', network: { dnsServers: [] } }, 201, ''],
  [
    '/sandboxes',
    { templateID: 'base', network: { dnsServers: ['1.1.1.1'] } },
    400,
    'network.dnsServers: not enforced',
  ],
  ['/sandboxes/{id}/pause', { requireHealthyGuest: true }, 204, ''],
  ['/sandboxes/{id}/snapshots', { memory: false }, 201, ''],
  ['/sandboxes/{id}/snapshots', { memory: true }, 400, 'memory: expected false'],
])('knows what newer SDKs send to %s: %j', async (path, body, status, message) => {
  const engine = await startTestEngine();
  const response = await engine.call('POST', path.replace('{id}', await engine.create()), { body });
  expect([response.status, response.text]).toEqual([status, expect.stringContaining(message)]);
});

test('names a field that it does not know inside another', async () => {
  const engine = await startTestEngine();
  const body = { templateID: 'base', network: { httpPorts: [3000] } };
  const { status, text } = await engine.call('POST', '/sandboxes', { body });
  expect([status, text]).toEqual([400, expect.stringContaining('validation error: network.httpPorts: ')]);
  const insecure = { templateID: 'base', secure: false };
  const v2 = await engine.call('POST', '/v2/sandboxes', { body: insecure });
  expect([v2.status, v2.text]).toEqual([400, expect.stringContaining('always secure')]);
});

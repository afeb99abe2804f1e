import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../lib/access/roles';
import { paths } from '../../lib/paths';
import { serverActions } from '../support/actions';
import { type Answer, ask, callAction, cookieOf, openLive, resultIn } from '../support/http';
import type { Moru } from '../support/moru';
import { Colleague } from '../support/operations';
import { ROOT } from '../support/processes';
import { expect, test } from './fixtures';

const LESSER: Record<Role, readonly Role[]> = {
  viewer: [],
  operator: ['viewer'],
  admin: ['viewer', 'operator'],
};

/** The role that each page and route of the build requires; `null` for those that need no session. */
const ROUTES: Record<string, Role | null> = {
  '/': 'viewer',
  '/sandboxes': 'viewer',
  '/sandboxes/[id]': 'viewer',
  '/sandboxes/[id]/files': 'viewer',
  '/sandboxes/[id]/run': 'viewer',
  '/sandboxes/[id]/processes': 'viewer',
  '/sandboxes/[id]/console': 'viewer',
  '/operations': 'viewer',
  '/operations/[id]': 'viewer',
  '/operations/access': 'viewer',
  // Does not exist in production.
  '/dev/gallery': null,
  '/sign-in': null,
  '/_not-found': null,
  '/_global-error': null,
  '/[...path]': 'viewer',
  '/api/[...path]': 'viewer',
  '/api/access': 'viewer',
  '/api/fleet': 'viewer',
  '/api/health': null,
  '/api/live/[channel]': 'viewer',
  '/api/operations/[id]': 'viewer',
  '/api/operations/[id]/archives/[sandboxId]': 'operator',
  '/api/operations/[id]/items': 'viewer',
  '/api/operations/[id]/runs': 'operator',
  '/api/operations/[id]/runs/[sandboxId]': 'operator',
  '/api/sandboxes/[id]/files/list': 'viewer',
  '/api/sandboxes/[id]/files/search': 'operator',
  '/api/sandboxes/[id]/files/size': 'operator',
  '/api/sandboxes/[id]/files/stat': 'viewer',
  '/api/sandboxes/[id]/processes': 'operator',
  '/api/sandboxes/[id]/processes/inside': 'operator',
  '/api/sandboxes/[id]/runs': 'operator',
  '/api/session': 'viewer',
  '/api/templates': 'viewer',
};

/** Routes that the server handles without Next.js. */
const FILES: Record<string, Role> = {
  '/api/sandboxes/[id]/files/archive': 'operator',
  '/api/sandboxes/[id]/files/content': 'operator',
};

const ALL = Object.entries({ ...ROUTES, ...FILES });

/** The required query of a route, by the end of its path. */
const QUERIES: Record<string, string> = {
  '/items': '?format=csv',
  '/archive': '?path=/etc/hostname&format=zip',
  '/content': '?path=/etc/hostname&as=download',
  '/list': '?path=/',
  '/search': '?path=/etc&text=host&in=name',
  '/size': '?path=/etc',
  '/stat': '?path=/etc/hostname',
};

/** The URL of a route for an existing sandbox or operation. */
function addressOf(
  route: string,
  { sandboxId, operationId }: { sandboxId: string; operationId: string },
): string {
  const id = route.includes('/operations/') ? operationId : sandboxId;
  const query = Object.entries(QUERIES).find(([end]) => route.endsWith(end))?.[1] ?? '';
  const values = { id, sandboxId, channel: 'fleet', '...path': 'nowhere/at/all' };
  return `${Object.entries(values).reduce((path, [name, value]) => path.replace(`[${name}]`, value), route)}${query}`;
}

type Wanted = {
  role: Role | null;
  args: (id: string) => unknown[];
  /** A page that includes the action, if the fleet page does not. */
  path?: string;
};

const FLEET = '/sandboxes';

/** The role that each server action requires, and arguments with which it would have an effect. */
const ACTIONS: Record<string, Wanted> = {
  planKill: { role: 'admin', args: (id) => [{ sandboxIds: [id] }] },
  startPlan: { role: 'admin', args: () => [{ token: 'x'.repeat(20), typed: '', reason: '', filter: '' }] },
  runCommand: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, command: 'touch /tmp/ran', limitMs: 1_000 }],
    path: '/sandboxes/x/run',
  },
  sendSignal: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, pid: 1, mark: 'x'.repeat(43), signal: 'KILL' }],
    path: '/sandboxes/x/processes',
  },
  sendSignalInside: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, pid: 1, startTicks: 0, signal: 'KILL' }],
    path: '/sandboxes/x/processes',
  },
  planRun: { role: 'operator', args: (id) => [{ sandboxIds: [id], command: 'true', limitMs: 1_000 }] },
  startRun: { role: 'operator', args: () => [{ token: 'x'.repeat(20), reason: '', filter: '' }] },
  planTimeLeft: { role: 'operator', args: (id) => [{ sandboxIds: [id], addMs: 60_000 }] },
  startTimeLeft: { role: 'operator', args: () => [{ token: 'x'.repeat(20), reason: '', filter: '' }] },
  operate: { role: 'operator', args: (id) => [{ act: 'pause', sandboxIds: [id], filter: '' }] },
  tryHeldNow: { role: 'operator', args: () => [] },
  cancelOperation: { role: 'operator', args: () => [{ operationId: 'x' }] },
  checkAgain: { role: 'operator', args: () => [{ operationId: 'x' }], path: '/operations/x' },
  startWake: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, minutes: 5 }],
    path: '/sandboxes/x/files',
  },
  extendWake: { role: 'operator', args: (id) => [{ sandboxId: id }], path: '/sandboxes/x/files' },
  endWake: { role: 'operator', args: (id) => [{ sandboxId: id }], path: '/sandboxes/x/files' },
  makeFolder: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, folder: '/tmp', name: 'made' }],
    path: '/sandboxes/x/files',
  },
  renameEntry: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, path: '/etc/hostname', name: 'renamed' }],
    path: '/sandboxes/x/files',
  },
  deleteEntries: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, paths: ['/etc/hostname'] }],
    path: '/sandboxes/x/files',
  },
  openConsole: {
    role: 'operator',
    args: (id) => [{ sandboxId: id, user: null, cwd: null, size: { cols: 80, rows: 24 } }],
    path: '/sandboxes/x/console',
  },
  closeConsole: {
    role: 'operator',
    args: () => [{ id: 'x'.repeat(20), evenIfBusy: true }],
    path: '/sandboxes/x/console',
  },
  renameConsole: {
    role: 'operator',
    args: () => [{ id: 'x'.repeat(20), name: 'mine' }],
    path: '/sandboxes/x/console',
  },
  createOne: {
    role: 'operator',
    args: () => [{ template: 'base', metadata: {}, timeoutMs: 60_000, autoPause: false }],
  },
  createDemo: { role: 'admin', args: () => [] },
  signOut: { role: null, args: () => [] },
  signIn: { role: null, args: () => [null, null] },
};

function routesOfTheBuild(): string[] {
  const manifest: Record<string, string> = JSON.parse(
    readFileSync(join(ROOT, '.next/app-path-routes-manifest.json'), 'utf8'),
  );
  return Object.values(manifest);
}

const guarded = Object.entries(ACTIONS).filter(([, { role }]) => role !== null);

function actionNamed(name: string) {
  const found = serverActions().find((action) => action.name === name);
  if (!found) throw new Error(`No action ${name}`);
  return found;
}

/** Expects exactly this sandbox, still running. */
async function expectUntouched(moru: Moru, id: string): Promise<void> {
  expect(await moru.listIds()).toEqual([id]);
  expect(await moru.stateOf(id)).toBe('running');
}

function expectRefused(answer: Answer, code: string, description: string): void {
  expect(answer.status, description).toBe(200);
  expect(resultIn(answer), description).toMatchObject({ ok: false, error: { code } });
}

test('covers every page, route and action of the build', () => {
  expect(Object.keys(ROUTES).sort()).toEqual(expect.arrayContaining(routesOfTheBuild().sort()));
  expect(
    serverActions()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(ACTIONS).sort());
});

test('redirects pages to the sign-in page and answers routes with 401 without a session', async ({
  sandkeeper,
  moru,
  sessions,
}) => {
  const id = await moru.create({ metadata: { owner: 'somebody-known' } });
  const operationId = await new Colleague(sandkeeper, sessions.operator).runToEnd(id, 'true');
  for (const [route, role] of ALL) {
    const answer = await ask(sandkeeper, addressOf(route, { sandboxId: id, operationId }));
    if (role === null) expect(answer.headers.location, route).toBeUndefined();
    else if (route.startsWith('/api/')) {
      expect(answer.status, route).toBe(401);
      expect(answer.headers['cache-control'], route).toContain('no-store');
    } else {
      expect(answer.status, route).toBe(307);
      const address = addressOf(route, { sandboxId: id, operationId });
      expect(answer.headers.location, route).toBe(paths.signIn(address));
    }
    expect(answer.text, route).not.toContain('somebody-known');
  }
  await expectUntouched(moru, id);
});

test('lets viewers read every page and route except file routes', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const operationId = await new Colleague(sandkeeper, sessions.operator).runToEnd(id, 'true');
  for (const [route, role] of ALL) {
    if (role === null) continue;
    const address = addressOf(route, { sandboxId: id, operationId });
    for (const lesser of LESSER[role]) {
      const refused = await ask(sandkeeper, address, { headers: cookieOf(sandkeeper, sessions[lesser]) });
      expect(refused.status, `${route} as ${lesser}`).toBe(403);
      expect(refused.text, `${route} as ${lesser}`).toContain('"forbidden"');
    }
    const answer = await ask(sandkeeper, address, { headers: cookieOf(sandkeeper, sessions[role]) });
    // The operation has saved no archive.
    const isUnknown = route.includes('[...path]') || route.includes('/archives/');
    expect(isUnknown ? [404] : [200, 307], route).toContain(answer.status);
    expect(answer.headers.location ?? '/sandboxes', route).toBe('/sandboxes');
  }
});

test('rejects other methods', async ({ sandkeeper, sessions }) => {
  for (const route of routesOfTheBuild().filter((name) => name.startsWith('/api/'))) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask(sandkeeper, route, {
        method,
        headers: { ...cookieOf(sandkeeper, sessions.admin), origin: sandkeeper.url },
      });
      expect(answer.status, `${method} ${route}`).toBe(405);
    }
  }
});

test('accepts file uploads only from its own pages', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const path = `/api/sandboxes/${id}/files/content?path=/data/new`;
  const put = (role: Role, headers: Record<string, string>) =>
    ask(sandkeeper, path, {
      method: 'PUT',
      body: 'x',
      headers: { ...cookieOf(sandkeeper, sessions[role]), ...headers },
    });
  for (const origin of [
    '',
    'null',
    'https://evil.example',
    `http://${new URL(sandkeeper.url).host}.evil.example`,
  ]) {
    expect((await put('admin', origin ? { origin } : {})).status, origin).toBe(403);
  }
  expect((await put('viewer', { origin: sandkeeper.url })).status).toBe(403);
  expect((await put('operator', { origin: sandkeeper.url })).status).toBe(201);
});

test('rejects every action without a session or with a lower role', async ({
  sandkeeper,
  moru,
  sessions,
}) => {
  const id = await moru.create();
  for (const [name, { role, args, path = FLEET }] of guarded) {
    const call = (headers: Record<string, string>) =>
      callAction(sandkeeper, actionNamed(name), { path, args: args(id), headers });
    expectRefused(await call({}), 'unauthenticated', `${name} without a session`);
    expectRefused(
      await call(cookieOf(sandkeeper, 'forged.cookie')),
      'unauthenticated',
      `${name} by a forger`,
    );
    for (const lesser of role === null ? [] : LESSER[role]) {
      expectRefused(
        await call(cookieOf(sandkeeper, sessions[lesser])),
        'forbidden',
        `${name} by a ${lesser}`,
      );
    }
  }
  await expectUntouched(moru, id);
});

test('guards actions posted to the sign-in page', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const [name, { args }] of guarded) {
    for (const headers of [{}, cookieOf(sandkeeper, sessions.viewer)]) {
      const answer = await callAction(sandkeeper, actionNamed(name), {
        path: '/sign-in',
        args: args(id),
        headers,
      });
      expect(resultIn(answer)?.ok ?? false, name).toBe(false);
    }
  }
  await expectUntouched(moru, id);
});

test('guards actions sent as forms without scripts', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const [name] of guarded) {
    const body = `--x\r\nContent-Disposition: form-data; name="$ACTION_ID_${actionNamed(name).id}"\r\n\r\n\r\n--x--\r\n`;
    for (const headers of [
      { origin: sandkeeper.url },
      { origin: sandkeeper.url, ...cookieOf(sandkeeper, sessions.viewer) },
      { origin: 'null', ...cookieOf(sandkeeper, sessions.admin) },
      { origin: 'http://evil.example', ...cookieOf(sandkeeper, sessions.admin) },
      cookieOf(sandkeeper, sessions.admin),
    ]) {
      await ask(sandkeeper, '/sandboxes', {
        method: 'POST',
        body,
        headers: { ...headers, 'content-type': 'multipart/form-data; boundary=x' },
      });
    }
  }
  await expectUntouched(moru, id);
});

test('rejects actions and streams from other origins', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const { host, port } = new URL(sandkeeper.url);
  const foreign: Record<string, Record<string, string>> = {
    'a foreign origin': { origin: 'https://evil.example' },
    'another port': { origin: `http://localhost:${Number(port) + 1}` },
    'https instead of http': { origin: `https://${host}` },
    'a name that begins like ours': { origin: `http://${host}.evil.example` },
    'a null origin': { origin: 'null' },
    'no origin': { origin: '' },
    'a forged forwarded host': { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example' },
    'a forged forwarded header': { origin: 'http://evil.example', forwarded: 'host=evil.example' },
  };
  for (const [what, headers] of Object.entries(foreign)) {
    for (const [name, { args, path = FLEET }] of guarded) {
      const answer = await callAction(sandkeeper, actionNamed(name), {
        path,
        args: args(id),
        headers: { ...cookieOf(sandkeeper, sessions.admin), ...headers },
      });
      expect(resultIn(answer)?.ok ?? false, `${name} with ${what}`).toBe(false);
    }
    const origin: Record<string, string> = headers.origin ? { origin: headers.origin } : {};
    const live = await openLive(sandkeeper, { ...cookieOf(sandkeeper, sessions.admin), ...origin });
    expect(live.status, `a socket with ${what}`).toBe(403);
  }
  await expectUntouched(moru, id);
});

test('rejects signing in or out from other origins', async ({ sandkeeper, sessions }) => {
  const form = new FormData();
  form.set('token', sandkeeper.signInToken);
  for (const origin of ['https://evil.example', 'null', '']) {
    const signedIn = await callAction(sandkeeper, actionNamed('signIn'), {
      path: '/sign-in',
      args: form,
      headers: { origin },
    });
    expect(signedIn.headers['set-cookie'], origin).toBeUndefined();
    await callAction(sandkeeper, actionNamed('signOut'), {
      path: '/sandboxes',
      args: [],
      headers: { ...cookieOf(sandkeeper, sessions.operator), origin },
    });
  }
  const session = await ask(sandkeeper, '/api/session', { headers: cookieOf(sandkeeper, sessions.operator) });
  expect(session.status).toBe(200);
});

test('rejects invalid arguments from every role', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const cases: [name: string, args: unknown[]][] = [
    ['planKill', []],
    ['planKill', [null]],
    ['planKill', [{ sandboxIds: [] }]],
    ['planKill', [{ sandboxIds: ['../templates'] }]],
    ['planKill', [{ sandboxIds: [id, 'x'.repeat(65)] }]],
    ['planKill', [{ sandboxIds: [id], all: true }]],
    ['planKill', [{ sandboxIds: [[id]] }]],
    ['planKill', [{ sandboxIds: [id], graceMs: 1 }]],
    ['planKill', [{ sandboxIds: [id], graceMs: 3_600_001 }]],
    ['planKill', [{ sandboxIds: [id], exportPath: '/work/../etc' }]],
    ['planKill', [{ sandboxIds: [id], exportPath: 'relative' }]],
    ['planKill', [{ sandboxIds: [id], retryOf: '../x' }]],
    ['startPlan', [{ token: '', typed: '', reason: '', filter: '' }]],
    ['startPlan', [{ token: 'x', typed: '', reason: '', filter: 'x'.repeat(2_001) }]],
    ['startPlan', [{ token: 'x', typed: '', reason: 'x'.repeat(501), filter: '' }]],
    ['startPlan', [{ token: 'x', typed: '', reason: 'old\0 and more', filter: '' }]],
    ['startPlan', [{ token: 'x', typed: '', reason: '\u001b[31mred', filter: '' }]],
    ['startRun', [{ token: 'x', reason: 'old\0', filter: '' }]],
    ['operate', [{ act: 'kill', sandboxIds: [id], filter: '' }]],
    ['operate', [{ act: 'setTimeout', sandboxIds: [id], filter: '', timeoutMs: -1 }]],
    ['operate', [{ act: 'setTimeout', sandboxIds: [id], filter: '', timeoutMs: 0 }]],
    ['operate', [{ act: 'resume', sandboxIds: [id], filter: '', timeoutMs: 60_000, autoPause: 'yes' }]],
    ['cancelOperation', [{ operationId: '../x' }]],
    ['cancelOperation', [{}]],
    ['checkAgain', [{ operationId: 'x', all: true }]],
    ['createOne', [{ template: '../x', metadata: {}, timeoutMs: 60_000, autoPause: false }]],
    ['createOne', [{ template: 'base', metadata: { a: 1 }, timeoutMs: 60_000, autoPause: false }]],
    ['createOne', [{ template: 'base', metadata: {}, timeoutMs: 60_000, autoPause: false, secure: false }]],
  ];
  for (const [name, args] of cases) {
    const answer = await callAction(sandkeeper, actionNamed(name), {
      path: ACTIONS[name]?.path ?? FLEET,
      args,
      headers: cookieOf(sandkeeper, sessions.admin),
    });
    expectRefused(answer, 'invalid', `${name} with ${JSON.stringify(args).slice(0, 100)}`);
  }
  await expectUntouched(moru, id);
});

test('starts a plan only for the person who made it, and only with a valid token', async ({
  sandkeeper,
  moru,
  sessions,
}) => {
  const id = await moru.create();
  const as = (session: string) => ({ path: '/sandboxes', headers: cookieOf(sandkeeper, session) });
  const planned = await callAction(sandkeeper, actionNamed('planKill'), {
    ...as(sessions.admin),
    args: [{ sandboxIds: [id] }],
  });
  const token = /"token":"([^"]+)"/.exec(planned.text)?.[1] ?? '';
  expect(token).not.toBe('');
  const others = await sandkeeper.openSessions();
  for (const [session, wanted] of [
    [others.admin, token],
    [sessions.admin, `${token.slice(0, -1)}_`],
  ] as const) {
    const answer = await callAction(sandkeeper, actionNamed('startPlan'), {
      ...as(session),
      args: [{ token: wanted, typed: '', reason: '', filter: '' }],
    });
    expectRefused(answer, 'conflict', 'a plan of somebody else');
  }
  await expectUntouched(moru, id);
});

test('rejects requests for other hosts', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const host of ['evil.example', `evil.example:${sandkeeper.port}`, 'localhost', 'localhost:1']) {
    for (const path of [
      '/',
      '/sandboxes',
      '/sign-in',
      '/api/health',
      '/api/fleet',
      '/favicon.svg',
      '/robots.txt',
      '/nowhere',
    ]) {
      const answer = await ask(sandkeeper, path, {
        headers: { ...cookieOf(sandkeeper, sessions.admin), host },
      });
      expect(answer.status, `${host} ${path}`).toBe(421);
      expect(answer.text).not.toContain(id);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
    const live = await openLive(sandkeeper, {
      ...cookieOf(sandkeeper, sessions.admin),
      host,
      origin: `http://${host}`,
    });
    expect(live.status, `a socket to ${host}`).toBe(403);
  }
  for (const host of [`127.0.0.1:${sandkeeper.port}`, `LOCALHOST:${sandkeeper.port}`]) {
    expect((await ask(sandkeeper, '/api/health', { headers: { host } })).status, host).toBe(200);
  }
});

test('opens /live only with a session and from its own pages', async ({ sandkeeper, sessions }) => {
  const origin = sandkeeper.url;
  expect((await openLive(sandkeeper, { origin })).status).toBe(401);
  expect((await openLive(sandkeeper, { origin, ...cookieOf(sandkeeper, 'a.b') })).status).toBe(401);
  const live = await openLive(sandkeeper, { origin, ...cookieOf(sandkeeper, sessions.viewer) });
  expect(live.status).toBe(101);
  live.send({ type: 'subscribe', channel: 'fleet' });
  await expect.poll(() => live.frames.join()).toContain('"hello"');
  live.send({ type: 'subscribe', channel: 'secrets' });
  expect(await live.closed).toBe(4400);
});

test('sends viewers no output of commands and processes', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const operationId = await new Colleague(sandkeeper, sessions.operator).runToEnd(id, 'echo not-for-viewers');
  const hear = async (role: Role) => {
    const live = await openLive(sandkeeper, {
      origin: sandkeeper.url,
      ...cookieOf(sandkeeper, sessions[role]),
    });
    live.send({ type: 'subscribe', channel: 'run', key: `${operationId} ${id}` });
    live.send({ type: 'subscribe', channel: 'process', key: `${id} 1 ${'x'.repeat(43)}` });
    await expect.poll(() => live.frames.length).toBe(2);
    live.close();
    return live.frames.join();
  };
  const refused = await hear('viewer');
  expect(refused.match(/Only operators can see/g)).toHaveLength(2);
  expect(refused).not.toContain('not-for-viewers');
  expect(await hear('operator')).toContain('not-for-viewers');
});

test('serves nothing of Next.js that no page uses', async ({ sandkeeper, sessions }) => {
  for (const path of [
    '/_next/image?url=%2Ffavicon.svg&w=64&q=75',
    '/_next%2Fimage?url=%2Ffavicon.svg&w=64&q=75',
    '/_next//image?url=%2Ffavicon.svg&w=64&q=75',
    '/_NEXT/image?url=%2Ffavicon.svg&w=64&q=75',
    '/_next/data/x/sandboxes.json',
    '/_next/webpack-hmr',
  ]) {
    for (const headers of [{}, cookieOf(sandkeeper, sessions.admin)]) {
      expect((await ask(sandkeeper, path, { headers })).status, path).toBe(404);
    }
  }
});

test('sends the security headers with every response', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const headers = cookieOf(sandkeeper, sessions.viewer);
  const page = await ask(sandkeeper, '/sandboxes', { headers });
  const asset = /\/_next\/static\/[^"]+\.js/.exec(page.text)?.[0] ?? '/missing.js';
  const paths = [
    '/sandboxes',
    `/sandboxes/${id}`,
    '/operations',
    '/operations/none',
    '/sign-in',
    '/api/fleet',
    '/api/health',
    '/api/operations/none',
    '/api/operations/none/items?format=csv',
    '/nowhere',
    '/api/nowhere',
    '/_next/static/nowhere.js',
    '/favicon.svg',
    '/site.webmanifest',
    '/robots.txt',
    asset,
  ];
  const nonces = new Set<string>();
  for (const path of paths) {
    const answer = await ask(sandkeeper, path, { headers });
    const policy = String(answer.headers['content-security-policy']);
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
    nonces.add(nonce);
    expect(answer.headers, path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers['referrer-policy'], path).toMatch(/^(same-origin|no-referrer)$/);
    expect(answer.headers['x-powered-by'], path).toBeUndefined();
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(policy, path).toContain("object-src 'none'");
    expect(policy, path).toContain("base-uri 'none'");
    const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? '';
    expect(scripts, path).toContain(`'nonce-${nonce}'`);
    expect(scripts, path).not.toContain('unsafe');
  }
  expect(nonces.size).toBe(paths.length);
});

test('gives every script of a page the nonce of its response', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const path of [
    '/sandboxes',
    `/sandboxes/${id}`,
    '/sandboxes/i00000000000000000000',
    '/operations',
    '/operations/none',
    '/sign-in?token=x',
    '/nowhere',
  ]) {
    const answer = await ask(sandkeeper, path, {
      headers: path.startsWith('/sign-in') ? {} : cookieOf(sandkeeper, sessions.viewer),
    });
    const nonce = /'nonce-([^']+)'/.exec(String(answer.headers['content-security-policy']))?.[1];
    const scripts = answer.text.match(/<script\b[^>]*>/g) ?? [];
    expect(scripts.length, path).toBeGreaterThan(0);
    for (const script of scripts) expect(script, path).toContain(`nonce="${nonce}"`);
  }
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { paths } from '../../lib/paths';
import type { Role } from '../../lib/roles';
import { expectUntouched, LESSER, otherHosts } from '../support/guards';
import { ask, cookieOf } from '../support/http';
import { FLEET_ROUTE, LOCAL, pageOf, routesOf } from '../support/local';
import { Colleague } from '../support/operations';
import { ROOT } from '../support/processes';
import { expect, test } from './fixtures';

/** The role that each page and route of the build requires; `null` for those that need no session. */
const ROUTES: Record<string, Role | null> = {
  '/': 'viewer',
  '/sandboxes': 'viewer',
  // Redirects to the page below its connection.
  '/sandboxes/[id]/[[...tab]]': 'viewer',
  '/c/[connection]/sandboxes/[id]': 'viewer',
  '/c/[connection]/sandboxes/[id]/files': 'viewer',
  '/c/[connection]/sandboxes/[id]/run': 'viewer',
  '/c/[connection]/sandboxes/[id]/processes': 'viewer',
  '/c/[connection]/sandboxes/[id]/console': 'viewer',
  '/operations': 'viewer',
  '/operations/[id]': 'viewer',
  '/operations/access': 'viewer',
  // Redirects to the profile.
  '/settings': 'viewer',
  '/settings/profile': 'viewer',
  '/settings/about': 'viewer',
  '/settings/connections': 'admin',
  '/settings/connections/[name]': 'operator',
  '/settings/sign-in': 'admin',
  '/settings/sign-in/test': 'admin',
  // Does not exist in production.
  '/dev/gallery': null,
  '/no-access': null,
  '/sign-in': null,
  '/sign-in/with/[provider]': null,
  '/sign-in/callback': null,
  '/sign-in/back-channel/[provider]': null,
  '/_not-found': null,
  '/_global-error': null,
  '/[...path]': 'viewer',
  '/api/[...path]': 'viewer',
  '/api/access': 'viewer',
  '/api/fleet/[connection]': 'viewer',
  '/api/health': null,
  '/api/live': 'viewer',
  '/api/sandboxes/[id]': 'viewer',
  '/api/operations/[id]': 'viewer',
  '/api/operations/[id]/archives/[archive]': 'operator',
  '/api/operations/[id]/items': 'viewer',
  '/api/operations/[id]/runs': 'operator',
  '/api/operations/[id]/runs/[connection]/[sandbox]': 'operator',
  '/api/c/[connection]/sandboxes/[id]/files/list': 'viewer',
  '/api/c/[connection]/sandboxes/[id]/files/search': 'operator',
  '/api/c/[connection]/sandboxes/[id]/files/size': 'operator',
  '/api/c/[connection]/sandboxes/[id]/files/stat': 'viewer',
  '/api/c/[connection]/sandboxes/[id]/processes': 'operator',
  '/api/c/[connection]/sandboxes/[id]/processes/inside': 'operator',
  '/api/c/[connection]/sandboxes/[id]/runs': 'operator',
  '/api/session': 'viewer',
  '/api/sign-in/[provider]/test': 'admin',
  '/api/c/[connection]/templates': 'viewer',
  '/api/views': 'viewer',
};

/** Routes that the server handles without Next.js. */
const FILES: Record<string, Role> = {
  '/api/c/[connection]/sandboxes/[id]/files/archive': 'operator',
  '/api/c/[connection]/sandboxes/[id]/files/content': 'operator',
};

const ALL = Object.entries({ ...ROUTES, ...FILES });

/** The required query of a route, by the end of its path. */
const QUERIES: Record<string, string> = {
  '/items': '?format=csv',
  '/archive': '?path=/etc/hostname&format=zip',
  '/content': '?path=/etc/hostname&as=download',
  '/list': '?path=/',
  '/live': `?topic=${encodeURIComponent(`fleet ${LOCAL}`)}`,
  '/search': '?path=/etc&text=host&in=name',
  '/size': '?path=/etc',
  '/stat': '?path=/etc/hostname',
};

/** Lead to the sign-in page, because no provider is set up here. */
const TO_SIGN_IN: ReadonlySet<string> = new Set(['/sign-in/with/[provider]', '/sign-in/callback']);

/** Where pages redirect to, apart from the fleet. */
const targetsFor = (id: string): Record<string, string> => ({
  '/sandboxes/[id]/[[...tab]]': `${pageOf(id)}/files`,
  '/settings': paths.profile(),
});

/** The URL of a route for an existing sandbox or operation. */
function addressOf(
  route: string,
  { sandboxId, operationId }: { sandboxId: string; operationId: string },
): string {
  const id = route.includes('/operations/') ? operationId : sandboxId;
  const query = Object.entries(QUERIES).find(([end]) => route.endsWith(end))?.[1] ?? '';
  const values = {
    id,
    connection: LOCAL,
    name: LOCAL,
    sandbox: sandboxId,
    archive: `${LOCAL}.${sandboxId}`,
    '[...tab]': 'files',
    '...path': 'nowhere/at/all',
  };
  return `${Object.entries(values).reduce((path, [name, value]) => path.replace(`[${name}]`, value), route)}${query}`;
}

function routesOfTheBuild(): string[] {
  const manifest: Record<string, string> = JSON.parse(
    readFileSync(join(ROOT, '.next/app-path-routes-manifest.json'), 'utf8'),
  );
  return Object.values(manifest);
}

test('covers every page and route of the build', () => {
  expect(Object.keys(ROUTES).sort()).toEqual(expect.arrayContaining(routesOfTheBuild().sort()));
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
    if (role === null)
      expect(answer.headers.location, route).toBe(TO_SIGN_IN.has(route) ? paths.signIn() : undefined);
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
      const words = route.startsWith('/api/') ? '"forbidden"' : 'Your role does not allow this page';
      expect(refused.text, `${route} as ${lesser}`).toContain(words);
    }
    const answer = await ask(sandkeeper, address, { headers: cookieOf(sandkeeper, sessions[role]) });
    // The operation has saved no archive, and no provider is set up.
    const isUnknown = ['[...path]', '/archives/', '[provider]'].some((part) => route.includes(part));
    expect(isUnknown ? [404] : [200, 307], route).toContain(answer.status);
    const target = targetsFor(id)[route] ?? '/sandboxes';
    expect(answer.headers.location ?? target, route).toBe(target);
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
  const path = `${routesOf(id)}/files/content?path=/data/new`;
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

test('rejects requests for other hosts', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const host of otherHosts(sandkeeper)) {
    for (const path of [
      '/',
      '/sandboxes',
      '/sign-in',
      '/api/health',
      FLEET_ROUTE,
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
  }
  for (const host of [`127.0.0.1:${sandkeeper.port}`, `LOCALHOST:${sandkeeper.port}`]) {
    expect((await ask(sandkeeper, '/api/health', { headers: { host } })).status, host).toBe(200);
  }
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

import type { Role } from '../../lib/roles';
import { foreignOrigins, otherHosts } from '../support/guards';
import { cookieOf, openLive } from '../support/http';
import { LOCAL, localKey } from '../support/local';
import { Colleague } from '../support/operations';
import { expect, test } from './fixtures';

test('opens /live only with a session and from its own pages', async ({ sandkeeper, sessions }) => {
  const origin = sandkeeper.url;
  expect((await openLive(sandkeeper, { origin })).status).toBe(401);
  expect((await openLive(sandkeeper, { origin, ...cookieOf(sandkeeper, 'a.b') })).status).toBe(401);
  const live = await openLive(sandkeeper, { origin, ...cookieOf(sandkeeper, sessions.viewer) });
  expect(live.status).toBe(101);
  live.send({ type: 'subscribe', channel: 'fleet', key: LOCAL });
  await expect.poll(() => live.frames.join()).toContain('"hello"');
  live.send({ type: 'subscribe', channel: 'secrets' });
  expect(await live.closed).toBe(4400);
});

test('refuses sockets from other origins', async ({ sandkeeper, sessions }) => {
  for (const [what, { origin }] of Object.entries(foreignOrigins(sandkeeper))) {
    const live = await openLive(sandkeeper, {
      ...cookieOf(sandkeeper, sessions.admin),
      ...(origin ? { origin } : {}),
    });
    expect(live.status, `a socket with ${what}`).toBe(403);
  }
});

test('refuses sockets to other hosts', async ({ sandkeeper, sessions }) => {
  for (const host of otherHosts(sandkeeper)) {
    const live = await openLive(sandkeeper, {
      ...cookieOf(sandkeeper, sessions.admin),
      host,
      origin: `http://${host}`,
    });
    expect(live.status, `a socket to ${host}`).toBe(403);
  }
});

test('sends viewers no output of commands and processes', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const key = localKey(id);
  const operationId = await new Colleague(sandkeeper, sessions.operator).runToEnd(id, 'echo not-for-viewers');
  const hear = async (role: Role) => {
    const live = await openLive(sandkeeper, {
      origin: sandkeeper.url,
      ...cookieOf(sandkeeper, sessions[role]),
    });
    live.send({ type: 'subscribe', channel: 'run', key: `${operationId} ${key}` });
    live.send({ type: 'subscribe', channel: 'held', key: `${operationId} ${key}` });
    live.send({ type: 'subscribe', channel: 'process', key: `${key} 1 ${'x'.repeat(43)}` });
    await expect.poll(() => live.frames.length).toBe(3);
    live.close();
    return live.frames.join();
  };
  const refused = await hear('viewer');
  expect(refused.match(/Only operators can see/g)).toHaveLength(3);
  expect(refused).not.toContain('not-for-viewers');
  expect(await hear('operator')).toContain('not-for-viewers');
});

import { bestTimeMs } from '../../lib/test-support/runs';
import { serverAction } from '../support/actions';
import { Sandkeeper } from '../support/deployment';
import { ask, callAction, cookieOf, openLive, resultIn } from '../support/http';
import { FLEET_ROUTE, routesOf } from '../support/local';
import { Moru } from '../support/moru';
import { Colleague } from '../support/operations';
import { expect, test } from './fixtures';

test('refuses a wrong token, each time more slowly, but never the right one', async ({ sandkeeper }) => {
  const signIn = async (token: string) => {
    const form = new FormData();
    form.set('token', token);
    const startedMs = performance.now();
    const answer = await callAction(sandkeeper, serverAction('signIn'), { path: '/sign-in', args: form });
    return { answer, tookMs: performance.now() - startedMs };
  };
  for (const minMs of [0, 400, 900]) {
    const { answer, tookMs } = await signIn('not-the-token');
    expect(resultIn(answer)).toMatchObject({ ok: false, error: { code: 'unauthenticated' } });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(tookMs).toBeGreaterThanOrEqual(minMs);
  }
  // Another wrong token would take two seconds.
  const rightMs = await bestTimeMs(1_900, async () => {
    const { answer, tookMs } = await signIn(sandkeeper.signInToken);
    expect(String(answer.headers['set-cookie'])).toContain(sandkeeper.sessionCookieName);
    return tookMs;
  });
  expect(rightMs).toBeLessThan(1_900);
});

test('accepts the right token while wrong ones go on in parallel, and says how long to wait', async ({
  sandkeeper,
}) => {
  let calls = 0;
  const signIn = async (token: string) => {
    const form = new FormData();
    form.set('token', token);
    // Nobody gets another address by claiming one.
    const claimed = `192.0.2.${calls++}`;
    const headers = { 'x-forwarded-for': claimed, 'x-sandkeeper-client': claimed };
    return callAction(sandkeeper, serverAction('signIn'), { path: '/sign-in', args: form, headers });
  };
  const guesses = Array.from({ length: 40 }, (_, index) => signIn(`not-the-token-${index}`));
  const answers = Promise.all(guesses);
  for (let time = 0; time < 5; time += 1) {
    const answer = await signIn(sandkeeper.signInToken);
    expect(String(answer.headers['set-cookie'])).toContain(sandkeeper.sessionCookieName);
  }
  const limited = (await answers).filter((answer) => resultIn(answer)?.error?.code === 'rate_limited');
  expect(limited.length).toBeGreaterThanOrEqual(20);
  expect(limited[0]?.text).toMatch(/Wait \d seconds/);
  expect((await answers).every((answer) => answer.headers['set-cookie'] === undefined)).toBe(true);
});

test('exchanges a code once, also for two browsers at once, and none from a query', async ({
  sandkeeper,
}) => {
  const exchange = (code: string) => {
    const form = new FormData();
    form.set('token', code);
    return callAction(sandkeeper, serverAction('signIn'), { path: '/sign-in', args: form });
  };
  const code = new URL(await sandkeeper.printSignInLink()).hash.replace('#code=', '');
  for (const query of [`token=${code}`, `code=${code}`, `token=${sandkeeper.signInToken}`]) {
    const page = await ask(sandkeeper, `/sign-in?${query}`);
    expect([page.status, page.headers['set-cookie']]).toEqual([200, undefined]);
    expect(page.text).toContain('so it is not accepted');
    expect(page.headers['referrer-policy']).toBe('same-origin');
  }
  const answers = await Promise.all(Array.from({ length: 4 }, () => exchange(code)));
  const cookies = answers.flatMap(({ headers }) => headers['set-cookie'] ?? []);
  expect(cookies).toHaveLength(1);
  expect(answers.filter((answer) => resultIn(answer)?.error?.code === 'unauthenticated')).toHaveLength(3);
  expect(sandkeeper.log()).not.toContain(code);
  expect(sandkeeper.log()).not.toContain(sandkeeper.signInToken);
});

/** The session cookie that a sign-in with the fixed token sets. `before`: that of the browser. */
async function signInBy(sandkeeper: Sandkeeper, before: Record<string, string> = {}): Promise<string> {
  const form = new FormData();
  form.set('token', sandkeeper.signInToken);
  const answer = await callAction(sandkeeper, serverAction('signIn'), {
    path: '/sign-in',
    args: form,
    headers: before,
  });
  const [, value = ''] = /=([^;]+)/.exec(String(answer.headers['set-cookie'])) ?? [];
  return value;
}

const statusOf = async (sandkeeper: Sandkeeper, cookie: string, path = '/api/session') =>
  (await ask(sandkeeper, path, { headers: cookieOf(sandkeeper, cookie) })).status;

test('opens a new session at each sign-in and ends that of the browser, so that none can be put there before', async ({
  sandkeeper,
}) => {
  const planted = await signInBy(sandkeeper);
  const own = await signInBy(sandkeeper, cookieOf(sandkeeper, planted));
  expect(own).not.toBe(planted);
  expect(await statusOf(sandkeeper, own)).toBe(200);
  expect(await statusOf(sandkeeper, planted)).toBe(401);
});

test('refuses two session cookies everywhere, with a sentence', async ({ sandkeeper, sessions }) => {
  const name = sandkeeper.sessionCookieName;
  const cookie = `theme=dark; ${name}=${sessions.viewer}; ${name}=${sessions.admin}`;
  for (const path of [
    '/sandboxes',
    '/sign-in',
    '/api/session',
    `${routesOf('x')}/files/content?path=/a&as=download`,
  ]) {
    const answer = await ask(sandkeeper, path, { headers: { cookie } });
    expect([answer.status, answer.headers['set-cookie']], path).toEqual([400, undefined]);
    expect(answer.text).toMatch(/two session cookies.*Delete the cookies of this site.*sign in again/);
  }
  const live = await openLive(sandkeeper, { cookie, origin: sandkeeper.url });
  expect(live.status).toBe(403);
});

test('gives data to no page of another site or of a sibling domain', async ({ sandkeeper, sessions }) => {
  const answers = async (path: string, site: string) =>
    (
      await ask(sandkeeper, path, {
        headers: { ...cookieOf(sandkeeper, sessions.admin), 'sec-fetch-site': site },
      })
    ).status;
  for (const path of ['/api/session', FLEET_ROUTE, `${routesOf('x')}/files/content?path=/a&as=download`]) {
    for (const site of ['cross-site', 'same-site', 'anything'])
      expect(await answers(path, site), path).toBe(403);
  }
  for (const site of ['same-origin', 'none']) expect(await answers('/api/session', site)).toBe(200);
  // A link in a chat opens its page.
  expect(await answers('/sandboxes', 'cross-site')).toBe(200);
  expect(await answers('/api/health', 'cross-site')).toBe(200);
});

test('ends the other sessions with their sockets and queued kills, in every process of the database', async () => {
  const sandkeeper = await Sandkeeper.open({ env: { SANDKEEPER_CANCEL_WINDOW_SECONDS: '60' } });
  const beside = await sandkeeper.openBeside();
  try {
    const own = new Moru(sandkeeper.engine);
    const ids = [await own.create(), await own.create()];
    const [mine, other] = [await signInBy(sandkeeper), await signInBy(sandkeeper)];
    const operation = await new Colleague(sandkeeper, other).kill(ids);
    const live = await openLive(sandkeeper, { ...cookieOf(sandkeeper, other), origin: sandkeeper.url });
    expect(live.status).toBe(101);
    // In the other process, with the cookie of its own port.
    const ended = await callAction(beside, serverAction('endOtherOwnSessions'), {
      path: '/settings/profile',
      args: [{}],
      headers: cookieOf(beside, mine),
    });
    const endedAtMs = Date.now();
    expect(resultIn(ended)).toMatchObject({ ok: true });
    expect(await live.closed).toBe(4401);
    expect(Date.now() - endedAtMs).toBeLessThan(10_000);
    expect(await statusOf(sandkeeper, other)).toBe(401);
    expect(await statusOf(sandkeeper, mine)).toBe(200);
    const readOperation = async () =>
      JSON.parse(
        (await ask(sandkeeper, `/api/operations/${operation}`, { headers: cookieOf(sandkeeper, mine) })).text,
      ).operation;
    await expect.poll(readOperation, { timeout: 30_000 }).toMatchObject({
      state: 'finished',
      counts: { cancelled: 2 },
      cancelledBy: 'Sandkeeper',
      cancelReason: 'Local administrator ended the session in which it was started',
    });
    expect((await own.listIds()).toSorted()).toEqual(ids.toSorted());

    const signedOut = await callAction(sandkeeper, serverAction('signOut'), {
      path: '/sandboxes',
      args: [],
      headers: cookieOf(sandkeeper, mine),
    });
    expect(signedOut.headers['clear-site-data']).toBe('"cache", "storage"');
    expect(String(signedOut.headers['set-cookie'])).toMatch(/=; .*(Max-Age=0|1970)/);
    expect(await statusOf(sandkeeper, mine)).toBe(401);
    const log = await ask(sandkeeper, '/api/access', {
      headers: cookieOf(sandkeeper, (await sandkeeper.openSessions()).admin),
    });
    for (const kind of ['signed-in', 'signed-out', 'session-ended']) expect(log.text).toContain(kind);
    expect(log.text).not.toContain(mine);
  } finally {
    await beside.close();
    await sandkeeper.close();
  }
});

test('opens no session for a forged or altered cookie', async ({ sandkeeper, sessions }) => {
  const [id = '', signature = ''] = sessions.admin.split('.');
  for (const forged of [
    '',
    'x',
    `${id}.`,
    `${id}.${signature.slice(0, -2)}AA`,
    `${id}x.${signature}`,
    `.${signature}`,
  ]) {
    expect(
      (await ask(sandkeeper, '/api/session', { headers: cookieOf(sandkeeper, forged) })).status,
      forged,
    ).toBe(401);
  }
  expect(
    (await ask(sandkeeper, '/api/session', { headers: cookieOf(sandkeeper, sessions.admin) })).status,
  ).toBe(200);
});

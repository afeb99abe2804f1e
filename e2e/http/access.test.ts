import { bestTimeMs } from '../../lib/test-support/runs';
import { serverAction } from '../support/actions';
import { ask, callAction, cookieOf, resultIn } from '../support/http';
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

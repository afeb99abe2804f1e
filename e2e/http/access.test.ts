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
  const { answer, tookMs } = await signIn(sandkeeper.signInToken);
  expect(String(answer.headers['set-cookie'])).toContain(sandkeeper.sessionCookieName);
  expect(tookMs).toBeLessThan(1_900);
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

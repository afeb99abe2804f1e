import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir, simulateNewProcess } from '../test-support/environment';
import { signInAs } from '../test-support/people';
import { seal, unseal } from './secrets';
import { findSession, openSession, revokeSession, sessionCookieName, sessionCookieOptions } from './sessions';
import { LOCAL_ADMIN } from './users';

const HOUR_MS = 3_600_000;
setUpDataDir();
const admin = { userId: LOCAL_ADMIN.id, method: 'link' } as const;

/** Makes the next access read the secrets again, as a new process would. */
const forgetSecrets = () => Reflect.deleteProperty(globalThis, Symbol.for('sandkeeper.secrets'));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
});

describeOnDatabases('a session', ({ url }) => {
  it('is found by its cookie, even after a restart', async () => {
    const cookie = await signInAs('viewer', 'li');
    forgetSecrets();
    expect(await findSession(cookie)).toEqual({
      id: unseal('session', cookie),
      userId: expect.any(String),
      grants: { everywhere: 'viewer', on: {} },
      actor: 'li',
      expiresAtMs: Date.now() + 12 * HOUR_MS,
    });
  });

  it('is not found by an invalid cookie', async () => {
    const cookie = await openSession(admin);
    const [id = ''] = cookie.split('.');
    for (const forged of [
      undefined,
      '',
      id,
      `${id}.`,
      `${id}x${cookie.slice(id.length)}`,
      seal('plan', id),
    ]) {
      expect(await findSession(forged)).toBeNull();
    }
    expect(await findSession(seal('session', 'never-opened'))).toBeNull();
  });

  it('expires', async () => {
    const cookie = await openSession(admin);
    vi.setSystemTime(Date.now() + 12 * HOUR_MS - 1);
    expect(await findSession(cookie)).not.toBeNull();
    vi.setSystemTime(Date.now() + 1);
    expect(await findSession(cookie)).toBeNull();
  });

  it('ends alone when it is revoked', async () => {
    const [mine, theirs] = [await openSession(admin), await openSession(admin)];
    await revokeSession(unseal('session', mine) ?? '');
    expect(await findSession(mine)).toBeNull();
    expect(await findSession(theirs)).not.toBeNull();
  });

  it('ends when the fixed token that opened it changes or goes', async () => {
    const inProcessWith = async (token: string) => {
      simulateNewProcess({ SANDKEEPER_SIGN_IN_TOKEN: token, DATABASE_URL: url() });
      return import('./sessions');
    };
    const first = await inProcessWith('a-fixed-token-0123');
    const cookie = await first.openSession({ ...admin, method: 'token' });
    const linked = await first.openSession(admin);
    expect(await first.findSession(cookie)).not.toBeNull();
    for (const token of ['another-token-0123', '']) {
      const later = await inProcessWith(token);
      expect(await later.findSession(cookie)).toBeNull();
      expect(await later.findSession(linked)).not.toBeNull();
    }
  });
});

it('sets an HTTP-only cookie for this site, named after the port', () => {
  expect(sessionCookieName()).toBe('sandkeeper_session_3000');
  expect(sessionCookieOptions()).toEqual({
    httpOnly: true,
    sameSite: 'lax',
    secure: false,
    path: '/',
    maxAge: 12 * 60 * 60,
  });
});

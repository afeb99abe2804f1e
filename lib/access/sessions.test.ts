import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir, simulateNewProcess } from '../test-support/environment';
import { signInAs } from '../test-support/people';
import { seal, unseal } from './secrets';
import {
  findSession,
  findSessionInUse,
  openSession,
  revokeSession,
  sessionCookieName,
  sessionCookieOptions,
} from './sessions';
import { LOCAL_ADMIN } from './users';

const HOUR_MS = 3_600_000;
const HERE = { address: '203.0.113.7', userAgent: 'Firefox' };
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

  it('runs out after 12 hours without use', async () => {
    const cookie = await openSession(admin);
    vi.setSystemTime(Date.now() + 12 * HOUR_MS - 1);
    expect(await findSession(cookie)).not.toBeNull();
    vi.setSystemTime(Date.now() + 1);
    expect(await findSession(cookie)).toBeNull();
    expect(await findSessionInUse(cookie, HERE)).toBeNull();
  });

  it('lasts while it is used, for at most seven days', async () => {
    const cookie = await openSession(admin);
    const openedAtMs = Date.now();
    for (let hours = 11; hours < 7 * 24; hours += 11) {
      vi.setSystemTime(openedAtMs + hours * HOUR_MS);
      expect(await findSessionInUse(cookie, HERE), `${hours}`).not.toBeNull();
    }
    const session = await findSession(cookie);
    expect(session?.expiresAtMs).toBe(openedAtMs + 7 * 24 * HOUR_MS);
    vi.setSystemTime(openedAtMs + 7 * 24 * HOUR_MS - 1);
    expect(await findSessionInUse(cookie, HERE)).not.toBeNull();
    vi.setSystemTime(openedAtMs + 7 * 24 * HOUR_MS);
    expect(await findSessionInUse(cookie, HERE)).toBeNull();
  });

  it('notes its client and when it was last used, at most once a minute', async () => {
    const cookie = await openSession({ ...admin, client: HERE });
    const id = unseal('session', cookie) ?? '';
    const openedAtMs = Date.now();
    const row = async () =>
      (await database())
        .selectFrom('sessions')
        .select(['last_seen_at_ms', 'address', 'user_agent'])
        .where('id', '=', id)
        .executeTakeFirst();
    const elsewhere = { address: '198.51.100.9', userAgent: 'x'.repeat(5_000) };
    vi.setSystemTime(openedAtMs + 59_000);
    await findSessionInUse(cookie, elsewhere);
    expect(await row()).toEqual({
      last_seen_at_ms: openedAtMs,
      address: HERE.address,
      user_agent: 'Firefox',
    });
    vi.setSystemTime(openedAtMs + 60_000);
    await findSession(cookie);
    expect(await row()).toMatchObject({ last_seen_at_ms: openedAtMs });
    await findSessionInUse(cookie, elsewhere);
    expect(await row()).toMatchObject({ last_seen_at_ms: openedAtMs + 60_000, address: '198.51.100.9' });
    expect((await row())?.user_agent).toHaveLength(400);
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

it('sets an HTTP-only cookie named after the port, which links from elsewhere carry', () => {
  expect(sessionCookieName()).toBe('sandkeeper_session_3000');
  expect(sessionCookieOptions()).toEqual({
    httpOnly: true,
    sameSite: 'lax',
    secure: false,
    path: '/',
    maxAge: 7 * 24 * 60 * 60,
  });
});

it('sets a cookie on https that no other host can set', async () => {
  simulateNewProcess({ SANDKEEPER_URL: 'https://sandkeeper.example.com', SANDKEEPER_SESSION_MAX: '12h' });
  const { sessionCookieName: name, sessionCookieOptions: options } = await import('./sessions');
  expect(name()).toBe('__Host-sandkeeper_session_3000');
  // A browser refuses the prefix with another path, with a domain, or without `Secure`.
  expect(options()).toEqual({
    httpOnly: true,
    sameSite: 'lax',
    secure: true,
    path: '/',
    maxAge: 12 * 60 * 60,
  });
});

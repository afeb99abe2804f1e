import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { config } from '../../config';
import { database } from '../../db/client';
import { describeOnDatabases } from '../../test-support/databases';
import { eventually, setUpDataDir, thrownBy } from '../../test-support/environment';
import { TestProvider } from '../../test-support/oidc-provider';
import { onRevocation } from '../access-changes';
import { findIdentity } from '../identities';
import { findSession, openSession, sessionIdIn } from '../sessions';
import { findUser, grantRole } from '../users';
import { admit } from './admission';
import { logOutByProvider } from './logout-token';
import { MembershipChecks } from './membership-checks';
import { findProvider, finishAttempt, startAttempt } from './provider';
import { attachProvider, findProviderSession } from './provider-sessions';

setUpDataDir();
let provider: TestProvider;
const changes = vi.fn();

beforeAll(async () => {
  provider = await TestProvider.start({ origins: ['http://localhost:3000'] });
  Object.assign(process.env, provider.settings('leads=admin; ops=operator@moru; ops=viewer@e2b'), {
    SANDKEEPER_CALL_MS: '10000',
  });
  onRevocation(changes);
});
afterAll(() => provider.stop());

const groups = (...names: string[]) => ({ claims: { name: 'Ana', email: 'ana@acme.com', groups: names } });
beforeEach(() => {
  provider.signsInAs = 'ana';
  provider.accounts.set('ana', groups('ops'));
});
afterEach(() => {
  provider.answers.clear();
});

const acme = () => {
  const found = findProvider('sso');
  if (!found) throw new Error('The provider is not configured.');
  return found;
};

/** Signs in at the provider and returns the session cookie. */
async function signIn(): Promise<string> {
  const { attempt, url } = await startAttempt(acme());
  const { account, tokens } = await finishAttempt(acme(), attempt, (await provider.visit(url)).searchParams);
  const cookie = await openSession({ userId: await admit(acme(), account), method: 'oidc' });
  await attachProvider(sessionIdIn(cookie) ?? '', 'sso', account, tokens);
  return cookie;
}

const refusal = async () => ((await thrownBy(signIn)) as Error).message;
const endOf = async (cookie: string) => (await findProviderSession(sessionIdIn(cookie) ?? ''))?.ended;

/** Makes the next check of a session due, as if the last one was `agoMs` ago. */
async function age(cookie: string, agoMs: number): Promise<void> {
  const db = await database();
  const id = sessionIdIn(cookie) ?? '';
  await db
    .updateTable('provider_sessions')
    .set({ checked_at_ms: Date.now() - agoMs, check_at_ms: 0, claimed_until_ms: 0 })
    .where('session_id', '=', id)
    .execute();
}

/** Runs the checks until that of the session is done. */
async function check(cookie: string): Promise<void> {
  const checks = new MembershipChecks();
  checks.open();
  await eventually(async () => {
    const db = await database();
    const row = await db
      .selectFrom('provider_sessions')
      .select(['check_at_ms', 'ended'])
      .where('session_id', '=', sessionIdIn(cookie) ?? '')
      .executeTakeFirstOrThrow();
    return row.ended !== null || Number(row.check_at_ms) > 0;
  });
  await checks.close();
}

const halfAnHour = 30 * 60_000;

describeOnDatabases('a person of a provider', () => {
  it('is found by issuer and subject, and has the name and the grants of the account', async () => {
    const first = await findSession(await signIn());
    expect(first).toMatchObject({
      actor: 'Ana',
      grants: { everywhere: null, on: { moru: 'operator', e2b: 'viewer' } },
    });
    provider.accounts.set('ana', { claims: { name: 'Ana B.', email: 'new@acme.com', groups: ['leads'] } });
    const second = await findSession(await signIn());
    expect(second).toMatchObject({ userId: first?.userId, actor: 'Ana B.', grants: { everywhere: 'admin' } });
    expect(await findUser(first?.userId ?? '')).toMatchObject({ email: 'new@acme.com' });
    // Another account with the same address is another person.
    provider.accounts.set('eve', { claims: { name: 'Ana', email: 'new@acme.com', groups: ['ops'] } });
    provider.signsInAs = 'eve';
    expect((await findSession(await signIn()))?.userId).not.toBe(first?.userId);
  });

  it('is one person even if two first sign-ins happen at once', async () => {
    provider.accounts.set('twice', groups('ops'));
    provider.signsInAs = 'twice';
    const cookies = await Promise.all([signIn(), signIn()]);
    const people = await Promise.all(cookies.map(async (cookie) => (await findSession(cookie))?.userId));
    expect(people[0]).toBe(people[1]);
    expect(people[0]).toEqual(expect.any(String));
  });

  it.each([
    [
      'without a mapped group',
      { groups: ['hr'] },
      /none of the groups “leads”, “ops” that give access to Sandkeeper; it has: “hr”\./,
    ],
    ['without groups', { groups: [] }, /it is in no group/],
    ['without the claim', {}, /its answer has no claim “groups”/],
    ['with groups left out', { _claim_names: { groups: 'src1' } }, /so many groups that Acme left them out/],
    ['with a claim of another type', { groups: { ops: true } }, /is not a list of group names/],
  ])('is refused in words and not kept %s', async (name, claims, expected) => {
    const subject = `stranger ${name}`;
    provider.accounts.set(subject, { claims });
    provider.editIdToken = (signed) => ({ ...signed, ...claims });
    provider.signsInAs = subject;
    const sentence = await refusal();
    provider.editIdToken = null;
    expect(sentence).toMatch(expected);
    expect(await findIdentity({ issuer: provider.issuer, subject })).toBeNull();
    const db = await database();
    expect(await db.selectFrom('users').select('id').where('name', 'like', '%stranger%').execute()).toEqual(
      [],
    );
  });

  it('has own grants besides those of groups, and keeps them without groups', async () => {
    const session = await findSession(await signIn());
    await grantRole(session?.userId ?? '', 'e2b', 'admin', 'an admin');
    provider.accounts.set('ana', groups('none that counts'));
    const cookie = await signIn();
    expect((await findSession(cookie))?.grants).toEqual({ everywhere: null, on: { e2b: 'admin' } });
    const db = await database();
    await db
      .deleteFrom('grants')
      .where('user_id', '=', session?.userId ?? '')
      .execute();
  });

  it('is refused while disabled in Sandkeeper', async () => {
    const session = await findSession(await signIn());
    const db = await database();
    const setDisabled = (is_disabled: number) =>
      db
        .updateTable('users')
        .set({ is_disabled })
        .where('id', '=', session?.userId ?? '')
        .execute();
    await setDisabled(1);
    expect(await refusal()).toMatch(/disabled in Sandkeeper\. Ask an admin/);
    await setDisabled(0);
  });
});

describeOnDatabases('a check of a membership', () => {
  it('is not due before half of the time', async () => {
    const cookie = await signIn();
    const before = provider.requests.length;
    const checks = new MembershipChecks();
    checks.open();
    await checks.close();
    expect(provider.requests.length).toBe(before);
    expect(await findSession(cookie)).not.toBeNull();
  });

  it('keeps the session, changes the grants and tells who depends on them', async () => {
    const cookie = await signIn();
    provider.accounts.set('ana', groups('leads'));
    await age(cookie, halfAnHour);
    changes.mockClear();
    await check(cookie);
    expect((await findSession(cookie))?.grants).toEqual({ everywhere: 'admin', on: {} });
    expect(changes).toHaveBeenCalled();
    changes.mockClear();
    await age(cookie, halfAnHour);
    await check(cookie);
    expect(changes).not.toHaveBeenCalled();
  });

  it('ends every session of a person whose last group is gone, and says so', async () => {
    const [mine, other] = [await signIn(), await signIn()];
    provider.accounts.set('ana', groups('hr'));
    await age(mine, halfAnHour);
    changes.mockClear();
    await check(mine);
    for (const cookie of [mine, other]) {
      expect(await findSession(cookie)).toBeNull();
      expect(await endOf(cookie)).toMatch(/none of the groups “leads”, “ops” .* it has: “hr”/);
    }
    expect(changes).toHaveBeenCalled();
  });

  it('ends the session of an account that is disabled at the provider', async () => {
    const cookie = await signIn();
    provider.accounts.set('ana', { isDisabled: true });
    await age(cookie, halfAnHour);
    await check(cookie);
    expect(await findSession(cookie)).toBeNull();
    expect(await endOf(cookie)).toMatch(/^Acme no longer accepts your sign-in: the account was disabled/);
    const db = await database();
    const row = await db
      .selectFrom('provider_sessions')
      .select('sealed_tokens')
      .where('session_id', '=', sessionIdIn(cookie) ?? '')
      .executeTakeFirstOrThrow();
    expect(row.sealed_tokens).toBeNull();
  });

  it('lets the session live while the provider is down, until its check is overdue', async () => {
    const cookie = await signIn();
    provider.answers.set('/token', (_, res) => void res.writeHead(503).end());
    await age(cookie, halfAnHour);
    await check(cookie);
    expect(await findSession(cookie)).not.toBeNull();
    const session = await findProviderSession(sessionIdIn(cookie) ?? '');
    expect(session).toMatchObject({
      problem: expect.stringMatching(/HTTP 503/),
      failingSinceMs: expect.any(Number),
    });
    await age(cookie, 2 * halfAnHour);
    expect(await findSession(cookie)).toBeNull();
    await check(cookie);
    expect(await endOf(cookie)).toMatch(
      /^Acme could not be asked for 60 minutes whether you still have access/,
    );
  });

  it('clears the problem once the provider answers again', async () => {
    const cookie = await signIn();
    provider.answers.set('/token', (_, res) => void res.destroy());
    await age(cookie, halfAnHour);
    await check(cookie);
    provider.answers.clear();
    await age(cookie, halfAnHour);
    await check(cookie);
    expect(await findProviderSession(sessionIdIn(cookie) ?? '')).toMatchObject({
      problem: null,
      failingSinceMs: null,
    });
  });

  it('counts although it comes late, as after a stop of Sandkeeper', async () => {
    const cookie = await signIn();
    await age(cookie, 3 * halfAnHour);
    expect(await findSession(cookie)).toBeNull();
    await check(cookie);
    expect(await findSession(cookie)).not.toBeNull();
  });

  it('is done once although two processes look at once', async () => {
    const cookie = await signIn();
    await age(cookie, halfAnHour);
    const before = provider.requests.filter((request) => request === 'POST /token').length;
    await Promise.all([check(cookie), check(cookie)]);
    expect(provider.requests.filter((request) => request === 'POST /token').length).toBe(before + 1);
    expect(await findSession(cookie)).not.toBeNull();
  });

  it('ends the session of a provider that is no longer set up', async () => {
    const cookie = await signIn();
    const { oidc } = config();
    const { providers } = oidc;
    oidc.providers = providers.map((each) => ({ ...each, name: 'renamed' }));
    try {
      expect(await findSession(cookie)).toBeNull();
      await age(cookie, halfAnHour);
      await check(cookie);
    } finally {
      oidc.providers = providers;
    }
    expect(await endOf(cookie)).toMatch(/no longer set up here/);
  });

  it('keeps nothing of a token readable in the database', async () => {
    const cookie = await signIn();
    const db = await database();
    const row = await db
      .selectFrom('provider_sessions')
      .selectAll()
      .where('session_id', '=', sessionIdIn(cookie) ?? '')
      .executeTakeFirstOrThrow();
    const { tokens } = (await findProviderSession(sessionIdIn(cookie) ?? '')) ?? {};
    expect(tokens?.refreshToken).toEqual(expect.any(String));
    for (const token of [tokens?.refreshToken, tokens?.accessToken, tokens?.idToken])
      expect(JSON.stringify(row)).not.toContain(token);
  });
});

describeOnDatabases('a logout token', () => {
  const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
  let count = 0;
  const claims = () => ({
    iss: provider.issuer,
    aud: 'sandkeeper',
    sub: 'ana',
    iat: Math.floor(Date.now() / 1_000),
    exp: Math.floor(Date.now() / 1_000) + 120,
    jti: `logout ${++count}`,
    events: { [EVENT]: {} },
  });

  it('ends the sessions of the account, once', async () => {
    const [one, two] = [await signIn(), await signIn()];
    const token = await provider.sign(claims(), { typ: 'logout+jwt' });
    expect(await logOutByProvider(acme(), token)).toBeGreaterThanOrEqual(2);
    for (const cookie of [one, two]) {
      expect(await findSession(cookie)).toBeNull();
      expect(await endOf(cookie)).toBe('You were signed out at Acme. Sign in again.');
    }
    const later = await signIn();
    expect((await thrownBy(() => logOutByProvider(acme(), token))) as Error).toMatchObject({
      message: 'This logout token was used before.',
    });
    expect(await findSession(later)).not.toBeNull();
  });

  it('ends only the session that it names', async () => {
    const [one, two] = [await signIn(), await signIn()];
    const db = await database();
    for (const [cookie, sid] of [
      [one, 'first'],
      [two, 'second'],
    ] as const)
      await db
        .updateTable('provider_sessions')
        .set({ sid })
        .where('session_id', '=', sessionIdIn(cookie) ?? '')
        .execute();
    const { sub: _, ...rest } = claims();
    expect(await logOutByProvider(acme(), await provider.sign({ ...rest, sid: 'second' }))).toBe(1);
    expect(await findSession(one)).not.toBeNull();
    expect(await findSession(two)).toBeNull();
  });

  it('is refused unless everything about it is right', async () => {
    const cookie = await signIn();
    const { events: _events, ...noEvents } = claims();
    const { jti: _jti, ...noId } = claims();
    const { iat: _iat, ...noTime } = claims();
    const { sub: _sub, ...nobody } = claims();
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { refreshToken = '', idToken = '' } =
      (await findProviderSession(sessionIdIn(cookie) ?? ''))?.tokens ?? {};
    for (const token of [
      '',
      'x',
      'x'.repeat(20_000),
      refreshToken ?? '',
      idToken ?? '',
      `${part({ alg: 'none' })}.${part(claims())}.`,
      await provider.signForeign(claims()),
      await provider.sign(noEvents),
      await provider.sign(noId),
      await provider.sign(noTime),
      await provider.sign(nobody),
      await provider.sign({ ...claims(), events: { [EVENT]: true } }),
      await provider.sign({ ...claims(), events: { 'http://schemas.openid.net/event/other': {} } }),
      await provider.sign({ ...claims(), nonce: 'a nonce' }),
      await provider.sign({ ...claims(), iss: 'https://evil.example' }),
      await provider.sign({ ...claims(), aud: 'another' }),
      await provider.sign({ ...claims(), iat: Math.floor(Date.now() / 1_000) - 600 }),
      await provider.sign({ ...claims(), exp: Math.floor(Date.now() / 1_000) - 120 }),
      await provider.sign(claims(), { typ: 'at+jwt' }),
    ]) {
      const thrown = (await thrownBy(() => logOutByProvider(acme(), token))) as Error & { code: string };
      expect(thrown.code).toBe('invalid');
      expect(thrown.message).toMatch(/^This logout token is not valid: /);
    }
    expect(await findSession(cookie)).not.toBeNull();
  });
});

import type { ServerResponse } from 'node:http';
import type { JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { config } from '../../config';
import { setUpDataDir, thrownBy } from '../../test-support/environment';
import { CLIENT_SECRET, TestProvider } from '../../test-support/oidc-provider';
import type { ProviderFailure } from './failure';
import {
  type Attempt,
  endSessionUrl,
  findProvider,
  finishAttempt,
  ProviderError,
  readAgain,
  restartDiscovery,
  startAttempt,
  type Tokens,
} from './provider';

setUpDataDir();
let provider: TestProvider;

beforeAll(async () => {
  provider = await TestProvider.start({ origins: ['http://localhost:3000'] });
  // The deadline is the subject of one test. The others answer at once.
  Object.assign(process.env, provider.settings('ops=operator'), { SANDKEEPER_CALL_MS: '10000' });
  provider.accounts.set('ana', { claims: { name: 'Ana', groups: ['ops'] } });
  provider.signsInAs = 'ana';
});
afterAll(() => provider.stop());
afterEach(() => {
  provider.answers.clear();
  provider.editIdToken = null;
});

const acme = () => {
  const found = findProvider('sso');
  if (!found) throw new Error('The provider is not configured.');
  return found;
};

async function visited(): Promise<{ attempt: Attempt; query: URLSearchParams }> {
  const { attempt, url } = await startAttempt(acme());
  return { attempt, query: (await provider.visit(url)).searchParams };
}

async function signIn() {
  const { attempt, query } = await visited();
  return finishAttempt(acme(), attempt, query);
}

/** The failure of a sign-in. Neither its message nor its log may have a secret or a token. */
async function failureOf(work: () => Promise<unknown>): Promise<ProviderFailure> {
  const thrown = await thrownBy(work);
  if (!(thrown instanceof ProviderError)) throw thrown;
  const { failure } = thrown;
  for (const text of [failure.message, failure.log]) {
    expect(text).not.toContain(CLIENT_SECRET);
    expect(text).not.toMatch(/eyJ|[\w-]{40,}/);
  }
  expect(failure.message).toMatch(/^(The ID token|The answer|Acme) .*\.$/);
  return failure;
}

const answerWith = (status: number, type: string, body: string) => (_: unknown, res: ServerResponse) => {
  res.writeHead(status, { 'content-type': type });
  res.end(body);
};

describe('a sign-in', () => {
  it('sends code challenge, state and nonce, and no secret', async () => {
    const { attempt, url } = await startAttempt(acme());
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'sandkeeper',
      redirect_uri: 'http://localhost:3000/sign-in/callback',
      response_type: 'code',
      scope: 'openid profile email groups',
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('returns the account with its groups, and tokens for later checks', async () => {
    const { account, tokens } = await signIn();
    expect(account).toMatchObject({
      issuer: provider.issuer,
      subject: 'ana',
      claims: { name: 'Ana', groups: ['ops'] },
    });
    expect(tokens).toMatchObject({ refreshToken: expect.any(String), idToken: expect.any(String) });
  });

  it('reads groups from userinfo if the ID token has none', async () => {
    provider.editIdToken = ({ groups: _, ...claims }) => claims;
    const { account } = await signIn();
    expect(account.claims.groups).toEqual(['ops']);
  });

  it('does not ask userinfo for groups that were left out because they are too many', async () => {
    provider.editIdToken = ({ groups: _, ...claims }) => ({ ...claims, _claim_names: { groups: 'src1' } });
    const { account } = await signIn();
    expect(account.claims).not.toHaveProperty('groups');
  });
});

describe('an answer that must not be believed', () => {
  const NOW = () => Math.floor(Date.now() / 1_000);
  it.each<[string, (claims: JWTPayload) => JWTPayload, RegExp]>([
    ['another nonce', (claims) => ({ ...claims, nonce: 'another' }), /does not belong to this sign-in/],
    ['no nonce', ({ nonce: _, ...claims }) => claims, /could not be verified|does not belong/],
    ['another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' }), /names another issuer/],
    ['another audience', (claims) => ({ ...claims, aud: 'another-app' }), /meant for another application/],
    [
      'further audiences',
      (claims) => ({ ...claims, aud: ['sandkeeper', 'x'] }),
      /meant for another application/,
    ],
    [
      'another authorized party',
      (claims) => ({ ...claims, aud: ['sandkeeper', 'x'], azp: 'x' }),
      /meant for another application/,
    ],
    [
      'an end in the past',
      (claims) => ({ ...claims, exp: NOW() - 90 }),
      /expired \d\d s ago.*may differ by 60 s/,
    ],
    [
      'a beginning to come',
      (claims) => ({ ...claims, nbf: NOW() + 90 }),
      /only valid \d\d s from now.*_CLOCK_SECONDS/,
    ],
    ['no subject', ({ sub: _, ...claims }) => claims, /could not be verified/],
  ])('is refused in words: %s', async (_, edit, expected) => {
    provider.editIdToken = edit;
    const failure = await failureOf(signIn);
    expect(failure.kind).toBe('refused');
    expect(failure.message).toMatch(expected);
  });

  it('is accepted within the difference of the clocks', async () => {
    provider.editIdToken = (claims) => ({ ...claims, exp: NOW() - 30, nbf: NOW() + 30 });
    expect((await signIn()).account.subject).toBe('ana');
  });

  it('is refused with a signature of another key', async () => {
    provider.editIdToken = (claims) => claims;
    const { attempt, query } = await visited();
    const now = NOW();
    const forged = await provider.signForeign({
      iss: provider.issuer,
      aud: 'sandkeeper',
      sub: 'ana',
      nonce: attempt.nonce,
      iat: now,
      exp: now + 600,
      groups: ['ops'],
    });
    const answer = { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: forged };
    provider.answers.set('/token', answerWith(200, 'application/json', JSON.stringify(answer)));
    expect((await failureOf(() => finishAttempt(acme(), attempt, query))).kind).toBe('refused');
  });

  it('is refused without a signature', async () => {
    const { attempt, query } = await visited();
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = NOW();
    const claims = {
      iss: provider.issuer,
      aud: 'sandkeeper',
      sub: 'ana',
      nonce: attempt.nonce,
      iat: now,
      exp: now + 600,
    };
    const id_token = `${part({ alg: 'none' })}.${part(claims)}.`;
    const answer = { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token };
    provider.answers.set('/token', answerWith(200, 'application/json', JSON.stringify(answer)));
    expect((await failureOf(() => finishAttempt(acme(), attempt, query))).kind).toBe('refused');
  });

  it('is refused with another state, another issuer or no code', async () => {
    const { attempt, query } = await visited();
    const changed = (name: string, value: string | null) => {
      const other = new URLSearchParams(query);
      if (value === null) other.delete(name);
      else other.set(name, value);
      return other;
    };
    for (const other of [
      changed('state', 'another'),
      changed('state', null),
      changed('iss', 'https://evil.example'),
      changed('iss', null),
      changed('code', null),
    ]) {
      const failure = await failureOf(() => finishAttempt(acme(), attempt, other));
      expect(failure.kind).toBe('refused');
    }
  });

  it('is refused with the code of another sign-in, with another verifier and when replayed', async () => {
    const [mine, theirs] = [await visited(), await visited()];
    const swapped = new URLSearchParams(mine.query);
    swapped.set('code', theirs.query.get('code') ?? '');
    expect((await failureOf(() => finishAttempt(acme(), mine.attempt, swapped))).message).toMatch(
      /does not accept this sign-in any more/,
    );
    const again = await visited();
    await finishAttempt(acme(), again.attempt, again.query);
    expect((await failureOf(() => finishAttempt(acme(), again.attempt, again.query))).log).toBe(
      'invalid_grant 400',
    );
  });

  it('names the error of the provider', async () => {
    const { attempt, query } = await visited();
    const refusal = (error: string) =>
      new URLSearchParams({
        error,
        error_description: 'secret detail',
        state: query.get('state') ?? '',
        iss: provider.issuer,
      });
    const denied = await failureOf(() => finishAttempt(acme(), attempt, refusal('access_denied')));
    expect(denied.message).toBe(
      'Acme refused the sign-in, or you cancelled it. Start again from the sign-in page.',
    );
    const hostile = await failureOf(() =>
      finishAttempt(acme(), attempt, refusal('\u202Eevil <b>'.repeat(50))),
    );
    expect(hostile.message.length).toBeLessThan(200);
    expect(hostile.message).not.toContain('\u202E');
    expect(hostile.log).toBe('an unknown error');
  });
});

describe('a provider that does not work', () => {
  it.each<[string, (_: unknown, res: ServerResponse) => void, ProviderFailure['kind'], RegExp]>([
    ['an error', answerWith(503, 'text/html', '<h1>down</h1>'), 'unavailable', /HTTP 503/],
    ['a page', answerWith(200, 'text/html', '<h1>hello</h1>'), 'misconfigured', /did not answer with JSON/],
    ['broken JSON', answerWith(200, 'application/json', '{"a":'), 'unavailable', /valid JSON/],
    ['a list', answerWith(200, 'application/json', '[]'), 'refused', /could not be verified/],
    [
      'no ID token',
      answerWith(200, 'application/json', '{"access_token":"x","token_type":"Bearer"}'),
      'refused',
      /could not be verified/,
    ],
    [
      'a redirect',
      (_, res) => res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'misconfigured',
      /HTTP 302/,
    ],
    [
      'a huge answer',
      (_, res) => {
        res.writeHead(200, { 'content-type': 'application/json' });
        res.end(`{"access_token":"${'x'.repeat(1024 * 1024)}"}`);
      },
      'unavailable',
      /more than 1 MB/,
    ],
    ['a broken connection', (_, res) => void res.destroy(), 'unavailable', /cannot be reached/],
    [
      'its own refusal of the client',
      answerWith(401, 'application/json', '{"error":"invalid_client"}'),
      'misconfigured',
      /does not accept Sandkeeper's client ID and secret/,
    ],
  ])('is named: %s', async (_, answer, kind, expected) => {
    const { attempt, query } = await visited();
    provider.answers.set('/token', answer);
    const failure = await failureOf(() => finishAttempt(acme(), attempt, query));
    expect([failure.kind, failure.message]).toEqual([kind, expect.stringMatching(expected)]);
  });

  it('is given up after the deadline, also while it sends', async () => {
    const { attempt, query } = await visited();
    const { timing } = config();
    const before = timing.callMs;
    timing.callMs = 300;
    restartDiscovery();
    try {
      for (const begin of [false, true]) {
        provider.answers.set('/token', (_, res) => {
          if (!begin) return;
          res.writeHead(200, { 'content-type': 'application/json' });
          res.write('{"access_token":"');
        });
        const failure = await failureOf(() => finishAttempt(acme(), attempt, query));
        expect([failure.kind, failure.message]).toEqual([
          'unavailable',
          'Acme did not answer within 1 s. Try again, and tell an admin if it stays so.',
        ]);
      }
    } finally {
      timing.callMs = before;
      restartDiscovery();
    }
  });
});

describe('another reading', () => {
  const nothing = async () => {};

  it('gives the groups of now, and keeps the new refresh token first', async () => {
    const { tokens } = await signIn();
    provider.accounts.set('ana', { claims: { name: 'Ana', groups: ['hr'] } });
    const kept: Tokens[] = [];
    const read = await readAgain(acme(), tokens, 'ana', async (next) => {
      kept.push(next);
    });
    provider.accounts.set('ana', { claims: { name: 'Ana', groups: ['ops'] } });
    expect(read?.account.claims.groups).toEqual(['hr']);
    expect(kept).toEqual([read?.tokens]);
    expect(read?.tokens.refreshToken).not.toBe(tokens.refreshToken);
  });

  it('uses userinfo without a refresh token, as long as the access token is valid', async () => {
    const { tokens } = await signIn();
    const without = { ...tokens, refreshToken: null };
    expect((await readAgain(acme(), without, 'ana', nothing))?.account.claims.groups).toEqual(['ops']);
    expect(await readAgain(acme(), { ...without, accessTokenUntilMs: 0 }, 'ana', nothing)).toBeNull();
    expect((await failureOf(() => readAgain(acme(), without, 'li', nothing))).kind).toBe('refused');
    const unknown = { ...without, accessToken: 'revoked' };
    expect((await failureOf(() => readAgain(acme(), unknown, 'ana', nothing))).kind).toBe('ended');
  });

  it('fails as ended once the account is disabled or the token was used before', async () => {
    const { tokens } = await signIn();
    provider.accounts.set('ana', { isDisabled: true });
    expect((await failureOf(() => readAgain(acme(), tokens, 'ana', nothing))).kind).toBe('ended');
    provider.accounts.set('ana', { claims: { name: 'Ana', groups: ['ops'] } });
    const second = await signIn();
    await readAgain(acme(), second.tokens, 'ana', nothing);
    expect((await failureOf(() => readAgain(acme(), second.tokens, 'ana', nothing))).kind).toBe('ended');
  });

  it('never becomes one of another account', async () => {
    const { tokens } = await signIn();
    provider.editIdToken = (claims) => ({ ...claims, sub: 'li' });
    expect((await failureOf(() => readAgain(acme(), tokens, 'ana', nothing))).kind).toBe('ended');
  });
});

it('names the page to sign out at the provider, with the ID token unless it is too long', async () => {
  const { tokens } = await signIn();
  const url = new URL((await endSessionUrl(acme(), tokens.idToken)) ?? '');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'sandkeeper',
    id_token_hint: tokens.idToken,
    post_logout_redirect_uri: 'http://localhost:3000/sign-in',
  });
  expect(await endSessionUrl(acme(), 'x'.repeat(5_000))).not.toContain('id_token_hint');
});

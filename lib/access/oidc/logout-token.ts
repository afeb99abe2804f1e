import 'server-only';
import { createHash } from 'node:crypto';
import { createRemoteJWKSet, customFetch, type FetchImplementation, type JWTPayload, jwtVerify } from 'jose';
import { config } from '../../config';
import { database } from '../../db/client';
import type { DeclaredProvider } from '../../declared-providers';
import { SandkeeperError } from '../../errors';
import { end } from './membership-checks';
import { discover, ProviderError } from './provider';
import { providerFetch } from './provider-fetch';
import { sessionsAt } from './provider-sessions';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAX_TOKEN_CHARS = 16_384;
/** A provider sends a logout token at once. */
const MAX_AGE_SECONDS = 120;
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

type KeySet = { uri: string; keys: ReturnType<typeof createRemoteJWKSet> };
/** Per copy of this module. They fetch new keys by themselves. */
const keySets = new Map<string, KeySet>();

/**
 * Ends the sessions that a logout token of the provider names, and returns how many (OpenID Connect Back-Channel Logout
 * 1.0). Throws `invalid` for a token that must not be believed.
 */
export async function logOutByProvider(provider: DeclaredProvider, token: string): Promise<number> {
  const { sub, sid, jti } = await verifyLogoutToken(provider, token);
  const subject = typeof sub === 'string' ? sub : null;
  const ids = await sessionsAt(provider.issuer, { subject, sid: typeof sid === 'string' ? sid : null });
  if (!(await isFirstUse(`${provider.issuer} ${jti}`)))
    throw new SandkeeperError('invalid', 'This logout token was used before.');
  for (const id of ids) await end(id, `You were signed out at ${provider.title}. Sign in again.`);
  return ids.length;
}

type LogoutToken = JWTPayload & { jti: string };

async function verifyLogoutToken(provider: DeclaredProvider, token: string): Promise<LogoutToken> {
  const refuse = (problem: string) =>
    new SandkeeperError('invalid', `This logout token is not valid: ${problem}.`);
  if (token === '' || token.length > MAX_TOKEN_CHARS) throw refuse('it is missing or too long');
  const keys = await keysOf(provider);
  let payload: JWTPayload;
  try {
    const verified = await jwtVerify(token, keys, {
      issuer: provider.issuer,
      audience: provider.clientId,
      algorithms: ALGORITHMS,
      clockTolerance: config().oidc.clockToleranceSeconds,
      maxTokenAge: MAX_AGE_SECONDS,
      requiredClaims: ['iat', 'jti', 'events'],
    });
    const { typ } = verified.protectedHeader;
    if (typ !== undefined && !/^(application\/)?(logout\+jwt|jwt)$/i.test(typ))
      throw refuse('it is another kind of token');
    payload = verified.payload;
  } catch (error) {
    if (error instanceof SandkeeperError) throw error;
    const { code = 'unknown', claim } = error as { code?: string; claim?: string };
    throw refuse([code, claim].filter(Boolean).join(' '));
  }
  const { events, nonce, sub, sid, jti } = payload;
  if (typeof events !== 'object' || events === null || !isObject((events as Record<string, unknown>)[EVENT]))
    throw refuse('it names no logout');
  if (nonce !== undefined) throw refuse('it has a nonce, as an ID token does');
  if (typeof sub !== 'string' && typeof sid !== 'string') throw refuse('it names no account and no session');
  if (typeof jti !== 'string' || jti === '') throw refuse('it has no id');
  return { ...payload, jti };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function keysOf(provider: DeclaredProvider): Promise<KeySet['keys']> {
  const { jwks_uri: uri } = (await discover(provider)).serverMetadata();
  if (uri === undefined) {
    const message = `${provider.title} publishes no keys.`;
    throw new ProviderError({ kind: 'misconfigured', message, log: 'jwks_uri' }, undefined);
  }
  const known = keySets.get(provider.name);
  if (known?.uri === uri) return known.keys;
  const timeoutMs = config().timing.callMs;
  const bounded = providerFetch({ title: provider.title, timeoutMs });
  const fetchKeys: FetchImplementation = (url, { headers, method }) =>
    bounded(url, { headers: Object.fromEntries(headers), method, body: undefined, redirect: 'manual' });
  const keys = createRemoteJWKSet(new URL(uri), {
    timeoutDuration: timeoutMs + 1_000,
    [customFetch]: fetchKeys,
  });
  keySets.set(provider.name, { uri, keys });
  return keys;
}

/** Whether it is the first use of this id within the time in which its token is valid. */
async function isFirstUse(id: string): Promise<boolean> {
  const { clockToleranceSeconds } = config().oidc;
  const db = await database();
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('used_logout_tokens')
    .values({
      id: createHash('sha256').update(id).digest('base64url'),
      until_ms: Date.now() + (MAX_AGE_SECONDS + 2 * clockToleranceSeconds) * 1_000,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

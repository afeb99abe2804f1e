import 'server-only';
import * as client from 'openid-client';
import { config } from '../../config';
import type { DeclaredProvider } from '../../declared-providers';
import { SandkeeperError } from '../../errors';
import { ownUrl } from '../origin';
import { explainFailure, type ProviderFailure } from './failure';
import { claimAt, isTruncated } from './groups';
import { providerFetch } from './provider-fetch';

/** The claims about an account, from its ID token and, for what that lacks, from the provider's userinfo. */
export type Account = { issuer: string; subject: string; sid: string | null; claims: Claims };
type Claims = Record<string, unknown>;

/** The tokens with which a membership can be checked again, and the one that names the session at the provider. */
export type Tokens = {
  refreshToken: string | null;
  accessToken: string | null;
  accessTokenUntilMs: number | null;
  idToken: string | null;
};
export type SignedIn = { account: Account; tokens: Tokens };

/** One authorization request, as long as the person is at the provider. */
export type Attempt = { state: string; nonce: string; verifier: string };

/** A failed call to a provider. Its message is for people. */
export class ProviderError extends Error {
  constructor(
    readonly failure: ProviderFailure,
    cause: unknown,
  ) {
    super(failure.message, { cause });
    this.name = 'ProviderError';
  }
}

const DISCOVER_EVERY_MS = 10 * 60 * 1000;
type Discovered = { configuration: client.Configuration; atMs: number };
/** Per copy of this module, because `openid-client` knows only the configurations of its own copy. */
const discovered = new Map<string, Discovered>();

/** The configured provider with this name, or `null`. */
export function findProvider(name: string): DeclaredProvider | null {
  return config().oidc.providers.find((provider) => provider.name === name) ?? null;
}

/** The origin that people use. The provider sends them back there. */
export const publicOrigin = (): string => ownUrl(config());

/** The addresses that the provider has to know. */
export const redirectUri = (): string => `${publicOrigin()}/sign-in/callback`;
export const afterSignOutUri = (): string => `${publicOrigin()}/sign-in`;
export const backChannelUri = ({ name }: DeclaredProvider): string =>
  `${publicOrigin()}/sign-in/back-channel/${name}`;

/** Calls the provider. Throws `ProviderError`. */
async function call<T>({ title }: DeclaredProvider, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ProviderError) throw thrown;
    throw new ProviderError(explainFailure(title, thrown, config().oidc.clockToleranceSeconds), thrown);
  }
}

/** The endpoints and keys of a provider, discovered again every ten minutes. */
export async function discover(provider: DeclaredProvider): Promise<client.Configuration> {
  const known = discovered.get(provider.name);
  if (known && Date.now() - known.atMs < DISCOVER_EVERY_MS) return known.configuration;
  const { timing, oidc } = config();
  const issuer = new URL(provider.issuer);
  const configuration = await call(provider, () =>
    client.discovery(
      issuer,
      provider.clientId,
      {
        [client.clockTolerance]: oidc.clockToleranceSeconds,
        ...(provider.clientSecret !== null && { client_secret: provider.clientSecret }),
      },
      provider.clientSecret === null ? client.None() : secretAuthentication(provider.clientSecret),
      {
        [client.customFetch]: providerFetch({ title: provider.title, timeoutMs: timing.callMs }),
        // Our fetch has the deadline, which covers the body too.
        timeout: Math.ceil(timing.callMs / 1_000) + 1,
        execute: [
          // Signatures are checked although the ID token comes straight from the provider.
          client.enableNonRepudiationChecks,
          ...(issuer.protocol === 'http:' ? [client.allowInsecureRequests] : []),
        ],
      },
    ),
  );
  discovered.set(provider.name, { configuration, atMs: Date.now() });
  return configuration;
}

/** Forgets what was discovered, so that the next call discovers again. */
export function restartDiscovery(): void {
  discovered.clear();
}

/** Sends the secret in the way that the provider names. Without a word about it, that is Basic (RFC 8414). */
function secretAuthentication(secret: string): client.ClientAuth {
  const basic = client.ClientSecretBasic(secret);
  const post = client.ClientSecretPost(secret);
  return (server, metadata, body, headers) => {
    const ways = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const isPost = !ways.includes('client_secret_basic') && ways.includes('client_secret_post');
    (isPost ? post : basic)(server, metadata, body, headers);
  };
}

/** Starts a sign-in: what to remember until the person comes back, and the address to send them to. */
export async function startAttempt(provider: DeclaredProvider): Promise<{ attempt: Attempt; url: URL }> {
  const configuration = await discover(provider);
  const attempt = {
    state: client.randomState(),
    nonce: client.randomNonce(),
    verifier: client.randomPKCECodeVerifier(),
  };
  const url = await call(provider, async () =>
    client.buildAuthorizationUrl(configuration, {
      ...provider.parameters,
      redirect_uri: redirectUri(),
      scope: provider.scopes,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
    }),
  );
  return { attempt, url };
}

/** Exchanges the code that the provider sent back for the account. Throws `ProviderError`. */
export async function finishAttempt(
  provider: DeclaredProvider,
  { state, nonce, verifier }: Attempt,
  query: URLSearchParams,
): Promise<SignedIn> {
  const configuration = await discover(provider);
  const answered = new URL(redirectUri());
  answered.search = query.toString();
  const tokens = await call(provider, () =>
    client.authorizationCodeGrant(configuration, answered, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    }),
  );
  const claims = tokens.claims();
  if (claims === undefined) throw new SandkeeperError('unexpected', 'The provider sent no ID token.');
  const account = await readAccount(provider, configuration, tokens, { ...claims });
  return { account, tokens: tokensOf(tokens) };
}

/**
 * Reads the account again: with the refresh token, or with the access token while that is valid. `null` if neither is
 * there. `keep` stores new tokens before anything else can fail: the old refresh token may be worthless from now on. Throws
 * `ProviderError`.
 */
export async function readAgain(
  provider: DeclaredProvider,
  { refreshToken, accessToken, accessTokenUntilMs, idToken }: Tokens,
  subject: string,
  keep: (tokens: Tokens) => Promise<void>,
): Promise<SignedIn | null> {
  const configuration = await discover(provider);
  if (refreshToken !== null) {
    const tokens = await call(provider, () => client.refreshTokenGrant(configuration, refreshToken));
    const received = tokensOf(tokens);
    // Providers that do not rotate refresh tokens send none.
    const kept = {
      ...received,
      refreshToken: received.refreshToken ?? refreshToken,
      idToken: received.idToken ?? idToken,
    };
    await keep(kept);
    const claims = tokens.claims();
    if (claims !== undefined && claims.sub !== subject) throw otherAccount(provider);
    const claimed = { ...claims, sub: subject };
    return { account: await readAccount(provider, configuration, tokens, claimed), tokens: kept };
  }
  const isUsable = accessTokenUntilMs === null || accessTokenUntilMs > Date.now();
  if (accessToken === null || !isUsable || !configuration.serverMetadata().userinfo_endpoint) return null;
  const claims = await call(provider, () => client.fetchUserInfo(configuration, accessToken, subject));
  return {
    account: { issuer: provider.issuer, subject, sid: null, claims: { ...claims } },
    tokens: { refreshToken, accessToken, accessTokenUntilMs, idToken },
  };
}

function otherAccount({ title }: DeclaredProvider): ProviderError {
  const message = `The answer from ${title} is about another account. Sign in again.`;
  return new ProviderError({ kind: 'ended', message, log: 'sub' }, undefined);
}

type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

function tokensOf(answer: Answer): Tokens {
  const expiresInSeconds = answer.expiresIn();
  return {
    refreshToken: answer.refresh_token ?? null,
    accessToken: answer.access_token,
    accessTokenUntilMs: expiresInSeconds === undefined ? null : Date.now() + expiresInSeconds * 1_000,
    idToken: answer.id_token ?? null,
  };
}

async function readAccount(
  provider: DeclaredProvider,
  configuration: client.Configuration,
  { access_token }: Answer,
  claims: Claims & { sub: string },
): Promise<Account> {
  const hasGroups =
    claimAt(claims, provider.groupsClaim) !== undefined || isTruncated(claims, provider.groupsClaim);
  let all: Claims = claims;
  if (!hasGroups && configuration.serverMetadata().userinfo_endpoint) {
    const more = await call(provider, () => client.fetchUserInfo(configuration, access_token, claims.sub));
    // The ID token is signed: it comes first.
    all = { ...more, ...claims };
  }
  const sid = typeof claims.sid === 'string' ? claims.sid : null;
  return { issuer: provider.issuer, subject: claims.sub, sid, claims: all };
}

const MAX_HINT_CHARS = 4_000;

/** Where a person also signs out at the provider, or `null` if it has no such page. */
export async function endSessionUrl(
  provider: DeclaredProvider,
  idToken: string | null,
): Promise<string | null> {
  const configuration = await discover(provider);
  if (!configuration.serverMetadata().end_session_endpoint) return null;
  // Groups can make a token too long for an address.
  const isUsable = idToken !== null && idToken.length <= MAX_HINT_CHARS;
  return client.buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: afterSignOutUri(),
    ...(isUsable && { id_token_hint: idToken }),
  }).href;
}

import 'server-only';
import { SandkeeperError } from '../../errors';
import { quoted } from './groups';

/**
 * Why a call to a provider failed. `ended`: the provider no longer accepts the account or its tokens. `unavailable`: it does
 * not work at the moment. `misconfigured`: Sandkeeper and the provider do not fit together. `refused`: this answer must not
 * be believed.
 */
export type FailureKind = 'ended' | 'unavailable' | 'misconfigured' | 'refused';
export type ProviderFailure = {
  kind: FailureKind;
  /** Shown to people, with what to do next. */
  message: string;
  /** For the log: codes and names of checks, never a token, a code or a claim. */
  log: string;
};

const TRY_AGAIN = 'Try again, and tell an admin if it stays so.';
const TELL_ADMIN = 'Tell an admin, who can test the sign-in under Settings.';
const START_AGAIN = 'Start again from the sign-in page.';

/** What the checks of an ID token are called in sentences. */
const CLAIM_PROBLEMS: Readonly<Record<string, string>> = {
  iss: 'it names another issuer',
  aud: 'it is meant for another application',
  azp: 'it is meant for another application',
  nonce: 'it does not belong to this sign-in',
  sub: 'it is about another account',
};

/** Errors of the authorization endpoint and the token endpoint (RFC 6749, OpenID Connect Core). */
const ANSWERS: Readonly<Record<string, [kind: FailureKind, sentence: (title: string) => string]>> = {
  access_denied: ['refused', (title) => `${title} refused the sign-in, or you cancelled it. ${START_AGAIN}`],
  login_required: ['refused', (title) => `${title} asks you to sign in there first. ${START_AGAIN}`],
  interaction_required: ['refused', (title) => `${title} asks you to sign in there first. ${START_AGAIN}`],
  consent_required: ['refused', (title) => `${title} asks for your consent first. ${START_AGAIN}`],
  invalid_grant: [
    'ended',
    (title) =>
      `${title} does not accept this sign-in any more: it was used before, it took too long, or the account has ended there. ${START_AGAIN}`,
  ],
  invalid_client: [
    'misconfigured',
    (title) => `${title} does not accept Sandkeeper's client ID and secret. ${TELL_ADMIN}`,
  ],
  unauthorized_client: [
    'misconfigured',
    (title) => `${title} does not allow Sandkeeper's client to sign people in. ${TELL_ADMIN}`,
  ],
  invalid_scope: [
    'misconfigured',
    (title) => `${title} does not know a scope that Sandkeeper asks for. ${TELL_ADMIN}`,
  ],
  server_error: ['unavailable', (title) => `${title} failed. ${TRY_AGAIN}`],
  temporarily_unavailable: [
    'unavailable',
    (title) => `${title} is overloaded or in maintenance. ${TRY_AGAIN}`,
  ],
};

type Thrown = {
  code?: unknown;
  error?: unknown;
  status?: unknown;
  cause?: unknown;
  claim?: unknown;
  attribute?: unknown;
};

/** Explains what `openid-client` or our own fetch threw. */
export function explainFailure(
  title: string,
  thrown: unknown,
  clockToleranceSeconds: number,
): ProviderFailure {
  const chain = [...causesOf(thrown)];
  const own = chain.find((cause) => cause instanceof SandkeeperError);
  if (own instanceof SandkeeperError)
    return { kind: 'unavailable', message: `${own.message} ${TRY_AGAIN}`, log: own.message };
  const [first] = chain as Thrown[];
  const { code, error, status } = first ?? {};
  if (typeof error === 'string') return explainAnswer(title, error, status);
  const details = chain.find(
    (cause): cause is Thrown =>
      typeof cause === 'object' && cause !== null && ('claim' in cause || 'attribute' in cause),
  );
  const log = [code, details?.claim ?? details?.attribute]
    .filter((part) => typeof part === 'string')
    .join(' ');
  const refused = (message: string): ProviderFailure => ({ kind: 'refused', message, log });
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
    return refused(
      `The ID token from ${title} ${describeTime(details, chain)} The clocks may differ by ${clockToleranceSeconds} s: check the clock of this server, or allow more with SANDKEEPER_OIDC_CLOCK_SECONDS.`,
    );
  }
  if (code === 'OAUTH_JWT_CLAIM_COMPARISON_FAILED') {
    const reason = CLAIM_PROBLEMS[String(details?.claim)] ?? 'it does not fit this sign-in';
    return refused(`The ID token from ${title} was refused: ${reason}. ${START_AGAIN}`);
  }
  if (code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') {
    return details?.attribute === 'issuer'
      ? {
          kind: 'misconfigured',
          message: `${title} names another issuer than the configured one. ${TELL_ADMIN}`,
          log,
        }
      : refused(`The answer from ${title} is about another account. ${START_AGAIN}`);
  }
  // The userinfo endpoint: the access token, or the account, has ended.
  if (status === 401)
    return {
      kind: 'ended',
      message: `${title} does not accept this sign-in any more. ${START_AGAIN}`,
      log: '401',
    };
  const problem = ANSWER_PROBLEMS[String(code)];
  if (problem === undefined)
    return {
      ...refused(`The answer from ${title} could not be verified. ${START_AGAIN}`),
      log: log || nameOf(thrown),
    };
  const http = chain.find((cause) => cause instanceof Response);
  const httpStatus = http instanceof Response ? http.status : typeof status === 'number' ? status : null;
  return {
    kind: httpStatus !== null && httpStatus < 500 && httpStatus !== 429 ? 'misconfigured' : problem[0],
    message: `${title} ${problem[1]}${httpStatus === null ? '' : ` (HTTP ${httpStatus})`}. ${httpStatus === null || httpStatus < 500 ? TELL_ADMIN : TRY_AGAIN}`,
    log: [log, httpStatus].filter(Boolean).join(' '),
  };
}

const ANSWER_PROBLEMS: Readonly<Record<string, [kind: FailureKind, words: string]>> = {
  OAUTH_RESPONSE_IS_NOT_CONFORM: ['unavailable', 'did not answer as OpenID Connect says'],
  OAUTH_RESPONSE_IS_NOT_JSON: ['unavailable', 'did not answer with JSON'],
  OAUTH_PARSE_ERROR: ['unavailable', 'did not answer with valid JSON'],
  OAUTH_INVALID_RESPONSE: ['refused', 'gave an answer that could not be verified'],
  OAUTH_KEY_SELECTION_FAILED: ['refused', 'signed with a key that it does not publish'],
  OAUTH_MISSING_SERVER_METADATA: [
    'misconfigured',
    'does not name the address of a part that Sandkeeper needs',
  ],
  OAUTH_INVALID_SERVER_METADATA: [
    'misconfigured',
    'does not name the address of a part that Sandkeeper needs',
  ],
};

function explainAnswer(title: string, error: string, status: unknown): ProviderFailure {
  const [kind, sentence] = Object.hasOwn(ANSWERS, error) ? (ANSWERS[error] ?? []) : [];
  const log = `${/^[\w-]{1,60}$/.test(error) ? error : 'an unknown error'}${typeof status === 'number' ? ` ${status}` : ''}`;
  if (kind !== undefined && sentence !== undefined) return { kind, message: sentence(title), log };
  return {
    kind: typeof status === 'number' && status >= 500 ? 'unavailable' : 'refused',
    message: `${title} refused the sign-in with ${quoted(error)}. ${TELL_ADMIN}`,
    log,
  };
}

/** `details` are those of a failed time check: the claim, its value and the time it was compared with. */
function describeTime(details: Thrown | undefined, chain: readonly unknown[]): string {
  const found = chain.find(
    (cause): cause is { claims: Record<string, unknown>; now: number } =>
      typeof cause === 'object' && cause !== null && 'claims' in cause && 'now' in cause,
  );
  const claim = String(details?.claim);
  const value = found?.claims[claim];
  const apart = typeof value === 'number' && found ? Math.abs(Math.round(value - found.now)) : null;
  const by = apart === null ? '' : ` ${apart.toLocaleString('en')} s`;
  if (claim === 'nbf' || claim === 'iat') return `is only valid${by} from now.`;
  return apart === null ? 'has expired.' : `expired${by} ago.`;
}

function* causesOf(thrown: unknown): Generator<unknown> {
  for (let cause = thrown, depth = 0; cause !== undefined && cause !== null && depth < 6; depth += 1) {
    yield cause;
    cause = typeof cause === 'object' && 'cause' in cause ? cause.cause : undefined;
  }
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'an unknown error';
}

import 'server-only';
import { config } from '../config';
import { type ErrorCode, SandkeeperError } from '../errors';
import { engineState } from './engine-state';

type Refusal = {
  status: number;
  retryAfter: string | null;
  /** The `Date` header: the service's clock. */
  date: string | null;
  body: unknown;
};

export type CallContext = {
  /** The purpose of the call, for example "listing sandboxes". Completes error messages. */
  doing: string;
  /** Whether the call may exceed the limit of running sandboxes. Tells a full quota from a rate limit. */
  takesSlot?: boolean;
  /** The call names no sandbox. Its 404 means that the address has no sandbox service. */
  isCollection?: boolean;
};

const MESSAGES: Record<ErrorCode, (doing: string) => string> = {
  unauthenticated: () => 'The sandbox service refused the API key. Check MORU_API_KEY.',
  forbidden: (doing) => `The sandbox service does not allow ${doing}.`,
  not_found: () => 'There is no such sandbox. It may have been terminated.',
  conflict: (doing) => `The sandbox is in a state that does not allow ${doing}.`,
  rate_limited: () => 'The sandbox service received too many requests. Try again shortly.',
  quota: () => 'The limit of concurrently running sandboxes is reached. Pause or kill one first.',
  timeout: (doing) => `The sandbox service took too long with ${doing}.`,
  unavailable: () => 'The sandbox service cannot be reached or has a problem.',
  disk_full: () => 'The disk of the sandbox service is full.',
  invalid: (doing) => `The sandbox service did not accept the values given for ${doing}.`,
  unexpected: (doing) => `The sandbox service answered ${doing} in a form this version does not understand.`,
};

const ENGINE_RESTARTS = 'The local engine stopped and is being restarted.';

/** Maps an answer outside 2xx. Keeps its words (docs/protocol.md#error-body). */
export function errorFromAnswer(
  { status, retryAfter, date, body }: Refusal,
  context: CallContext,
): SandkeeperError {
  const retryAfterMs = parseRetryAfter(retryAfter, Date.parse(date ?? ''));
  const words = wordsOf(body);
  if (status === 404 && context.isCollection) {
    return new SandkeeperError(
      'unavailable',
      'There is no sandbox service at its address. Check MORU_API_URL.',
      {
        cause: { status, words },
      },
    );
  }
  const code = codeOf(status, retryAfterMs, context);
  return new SandkeeperError(code, MESSAGES[code](context.doing), {
    cause: { status, words },
    ...(words === '' ? {} : { words }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Whether the service answered 429, or 503 as some services do instead. Concerns all requests, not one sandbox. */
export function asksToSlowDown(error: SandkeeperError): boolean {
  return error.code === 'rate_limited' || statusOf(error) === 503;
}

/** Statuses that a later request may not get. */
const PASSING: ReadonlySet<unknown> = new Set([409, 423, 425, 503]);

/** Whether the service refuses a request for now and says when to come back. */
export function comesBack(error: SandkeeperError): boolean {
  return error.retryAfterMs !== undefined && PASSING.has(statusOf(error));
}

function statusOf({ cause }: SandkeeperError): unknown {
  return typeof cause === 'object' && cause !== null && 'status' in cause ? cause.status : null;
}

/** Maps a call without an answer, for example a timeout or a reset connection (docs/protocol.md#transport-errors). */
export function errorFromThrown(thrown: unknown, context: CallContext): SandkeeperError {
  if (thrown instanceof SandkeeperError) return thrown;
  const name = thrown instanceof Error ? thrown.name : '';
  const code =
    name === 'TimeoutError' || name === 'AbortError'
      ? 'timeout'
      : name === 'TypeError'
        ? 'unavailable'
        : 'unexpected';
  const isRestarting = code === 'unavailable' && engineState().isRestarting;
  const message = isRestarting ? ENGINE_RESTARTS : MESSAGES[code](context.doing);
  return new SandkeeperError(code, message, { cause: thrown });
}

/** Maps an answer with a malformed body. */
export function errorFromShape(cause: unknown, context: CallContext): SandkeeperError {
  return new SandkeeperError('unexpected', MESSAGES.unexpected(context.doing), { cause });
}

function codeOf(status: number, retryAfterMs: number | undefined, { takesSlot }: CallContext): ErrorCode {
  if (status === 400 || status === 413 || status === 422) return 'invalid';
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 408 || status === 504) return 'timeout';
  if (status === 409 || status === 423) return 'conflict';
  // The concurrency limit and a rate limiter share a status. Only the limiter sends `Retry-After`.
  if (status === 429) return takesSlot && retryAfterMs === undefined ? 'quota' : 'rate_limited';
  return status >= 500 || status === 425 ? 'unavailable' : 'unexpected';
}

const SECONDS = /^\s*(\d{1,10})\s*$/;
const HTTP_DATE = /^\s*[A-Za-z]{3,9},? .*\d\d:\d\d:\d\d/;

/**
 * Parses `Retry-After`, which is in seconds or an HTTP date, to ms. A date is on the service's clock, `serviceNowMs`, if the
 * answer shows it. Text that is neither, and a time that is over, is 0: the service wants another try, but not when.
 */
export function parseRetryAfter(text: string | null, serviceNowMs: number): number | undefined {
  if (text === null) return undefined;
  const seconds = SECONDS.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1_000;
  const atMs = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return 0;
  return Math.max(0, atMs - (Number.isNaN(serviceNowMs) ? Date.now() : serviceNowMs));
}

const MAX_WORDS_CHARS = 300;

/** The message in a refusal, as one short line. An answer may contain the key of the request, which must not be kept. */
function wordsOf(body: unknown): string {
  const text = typeof body === 'object' && body !== null && 'message' in body ? body.message : body;
  if (typeof text !== 'string') return '';
  const { apiKey } = config().upstream;
  // A page of a proxy says nothing useful.
  if (/^\s*</.test(text)) return '';
  const line = text
    .slice(0, 10 * MAX_WORDS_CHARS)
    .replaceAll(apiKey === '' ? '\0' : apiKey, '…')
    .replace(/\b(?:moru|e2b|sk_moru)_[A-Za-z0-9_]{8,}/g, '…')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_WORDS_CHARS ? `${line.slice(0, MAX_WORDS_CHARS)}…` : line.replace(/\.$/, '');
}

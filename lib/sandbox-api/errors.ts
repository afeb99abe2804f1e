import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import { adviceOf, type Connection } from './connection';
import { delayOf, type LimitHeaders } from './rate-headers';
import { redact } from './redact';

type Refusal = {
  status: number;
  /** The headers that say when to come back, and the service's clock. */
  limits: LimitHeaders;
  body: unknown;
};

export type CallContext = {
  /** The purpose of the call, for example "listing sandboxes". Completes error messages. */
  doing: string;
  /** Whether the call may exceed the limit of running sandboxes. Tells a full quota from a rate limit. */
  takesSlot?: boolean;
  /**
   * What a 404 says is missing: the sandbox, unless it is the route, which the service then does not offer, or the service
   * itself, whose address is wrong.
   */
  missing?: 'sandbox' | 'route' | 'service';
};

/** Maps the failures of one connection to our errors. */
export type ServiceErrors = {
  /** An answer outside 2xx. Keeps its words (docs/protocol.md#error-body). */
  fromAnswer: (refusal: Refusal, context: CallContext) => SandkeeperError;
  /** A call without an answer, for example a timeout or a reset connection (docs/protocol.md#transport-errors). */
  fromThrown: (thrown: unknown, context: CallContext) => SandkeeperError;
};

const MESSAGES: Record<ErrorCode, (doing: string) => string> = {
  unauthenticated: () => 'The sandbox service refused the API key.',
  forbidden: (doing) => `The sandbox service does not allow ${doing}.`,
  not_found: () => 'There is no such sandbox. It may have been terminated.',
  not_offered: (doing) => `The sandbox service does not offer ${doing}.`,
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

/** `isRestarting` tells whether the local engine is down for a moment. */
export function serviceErrors(connection: Connection, isRestarting: () => boolean): ServiceErrors {
  const advice = adviceOf(connection);
  return {
    fromAnswer({ status, limits, body }, context) {
      const words = wordsOf(body, connection.key);
      const cause = { status, words };
      if (status === 404 && context.missing === 'service') {
        const message = `There is no sandbox service at its address. ${advice.address}`;
        return new SandkeeperError('unavailable', message, { cause });
      }
      const { retryAfterMs, isLimited } = delayOf(status, limits);
      const code = codeOf(status, isLimited, context);
      const message = MESSAGES[code](context.doing);
      return new SandkeeperError(code, code === 'unauthenticated' ? `${message} ${advice.key}` : message, {
        cause,
        ...(words === '' ? {} : { words }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    },
    fromThrown(thrown, context) {
      if (thrown instanceof SandkeeperError) return thrown;
      const name = thrown instanceof Error ? thrown.name : '';
      const code =
        name === 'TimeoutError' || name === 'AbortError'
          ? 'timeout'
          : name === 'TypeError'
            ? 'unavailable'
            : 'unexpected';
      const message =
        code === 'unavailable' && isRestarting() ? ENGINE_RESTARTS : MESSAGES[code](context.doing);
      return new SandkeeperError(code, message, { cause: thrown });
    },
  };
}

/** The body of an answer is a web page, as of a website or a proxy, and not what a program reads. */
export class WebPageAnswer extends Error {}

/** Maps an answer with a malformed body. */
export function errorFromShape(cause: unknown, context: CallContext): SandkeeperError {
  return new SandkeeperError('unexpected', MESSAGES.unexpected(context.doing), { cause });
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

/** The HTTP status of the answer that became this error; `null` if there was none. */
export function statusOf({ cause }: SandkeeperError): unknown {
  return typeof cause === 'object' && cause !== null && 'status' in cause ? cause.status : null;
}

function codeOf(status: number, isLimited: boolean, { takesSlot, missing }: CallContext): ErrorCode {
  if (status === 400 || status === 413 || status === 422) return 'invalid';
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404 && missing === 'route') return 'not_offered';
  if (status === 404 || status === 410) return 'not_found';
  if (status === 405 || status === 501) return 'not_offered';
  if (status === 408 || status === 504) return 'timeout';
  if (status === 409 || status === 423) return 'conflict';
  // The concurrency limit and a rate limiter share a status. Only the limiter says when to come back.
  if (status === 429) return takesSlot && !isLimited ? 'quota' : 'rate_limited';
  return status >= 500 || status === 425 ? 'unavailable' : 'unexpected';
}

const MAX_WORDS_CHARS = 300;

/** The message in a refusal, as one short line. An answer may contain the key of the request, which must not be kept. */
function wordsOf(body: unknown, key: string | null): string {
  const text = typeof body === 'object' && body !== null && 'message' in body ? body.message : body;
  if (typeof text !== 'string') return '';
  // A page of a proxy says nothing useful.
  if (/^\s*</.test(text)) return '';
  const line = redact(text.slice(0, 10 * MAX_WORDS_CHARS), key === null ? [] : [key])
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_WORDS_CHARS ? `${line.slice(0, MAX_WORDS_CHARS)}…` : line.replace(/\.$/, '');
}

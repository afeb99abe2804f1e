import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import { engineState } from './engine-state';

type Refusal = { status: number; retryAfter: string | null; body: unknown };

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

/** Maps an answer outside 2xx. Its text becomes the cause (docs/protocol.md#error-body). */
export function errorFromAnswer(
  { status, retryAfter, body }: Refusal,
  context: CallContext,
): SandkeeperError {
  const retryAfterMs = parseRetryAfter(retryAfter);
  if (status === 404 && context.isCollection) {
    return new SandkeeperError(
      'unavailable',
      'There is no sandbox service at its address. Check MORU_API_URL.',
      {
        cause: { status, body },
      },
    );
  }
  const code = codeOf(status, retryAfterMs, context);
  return new SandkeeperError(code, MESSAGES[code](context.doing), {
    cause: { status, body },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Whether the service answered 429, or 503 as some services do instead. */
export function asksToSlowDown({ code, cause }: SandkeeperError): boolean {
  const status = typeof cause === 'object' && cause !== null && 'status' in cause ? cause.status : null;
  return code === 'rate_limited' || status === 503;
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
  if (status === 409) return 'conflict';
  // The concurrency limit and a rate limiter share a status. Only the limiter sends `Retry-After`.
  if (status === 429) return takesSlot && retryAfterMs === undefined ? 'quota' : 'rate_limited';
  return status >= 500 ? 'unavailable' : 'unexpected';
}

/** Parses `Retry-After`, which is in seconds or an HTTP date, to ms. */
function parseRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
}

/** Every way a thing can fail here. Closed: the mappers below and in `result.ts` are exhaustive over it. */
export const ERROR_CODES = [
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'rate_limited',
  'quota',
  'timeout',
  'unavailable',
  'invalid',
  'unexpected',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

type Details = {
  /** What went wrong underneath. Goes to the log, never to people. */
  cause?: unknown;
  /** How long the other side asked us to wait. */
  retryAfterMs?: number;
};

/** The one error class. `message` is written for people: what is wrong and what would be right. */
export class SandkeeperError extends Error {
  override readonly name = 'SandkeeperError';
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { cause, retryAfterMs }: Details = {},
  ) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }

  /** Wraps whatever was thrown. Text of unknown errors is kept as the cause: it may hold addresses or keys. */
  static from(thrown: unknown): SandkeeperError {
    if (thrown instanceof SandkeeperError) return thrown;
    return new SandkeeperError(
      'unexpected',
      'Something unexpected happened. The server log has the details.',
      {
        cause: thrown,
      },
    );
  }
}

const HTTP_STATUS = {
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  quota: 429,
  timeout: 504,
  unavailable: 503,
  invalid: 400,
  unexpected: 500,
} satisfies Record<ErrorCode, number>;

/** The HTTP status that says the same as `code`. */
export function httpStatusOf(code: ErrorCode): number {
  return HTTP_STATUS[code];
}

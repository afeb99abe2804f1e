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
  /** What exactly it is, of the closed set of the room where it happened. Browsers are told. */
  problem?: string;
};

/** Marks errors of any copy of this module: Next.js makes several, and what lives once a process throws across them. */
const MARK = Symbol.for('sandkeeper.error');

/** The one error class. `message` is written for people: what is wrong and what would be right. */
export class SandkeeperError extends Error {
  override readonly name = 'SandkeeperError';
  readonly [MARK] = true;
  readonly retryAfterMs: number | undefined;
  readonly problem: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { cause, retryAfterMs, problem }: Details = {},
  ) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
    this.problem = problem;
  }

  static override [Symbol.hasInstance](thrown: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: what is derived from this one has instances of its own.
    if (this !== SandkeeperError) return Function.prototype[Symbol.hasInstance].call(this, thrown);
    return typeof thrown === 'object' && thrown !== null && MARK in thrown;
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

/** Every error code. The set is closed: the mappers below and in `result.ts` are exhaustive. See docs/errors.md. */
export const ERROR_CODES = [
  'unauthenticated',
  'forbidden',
  'not_found',
  'not_offered',
  'conflict',
  'rate_limited',
  'quota',
  'timeout',
  'unavailable',
  'disk_full',
  'invalid',
  'unexpected',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

type Details = {
  /** The underlying error. Logged, never shown. */
  cause?: unknown;
  /** The delay that the upstream service requested. 0: it named no time, or one that is over. */
  retryAfterMs?: number;
  /** The upstream service's own words: short, untrusted text without control characters. */
  words?: string;
  /** A more specific code from a closed set of the feature that failed. Sent to the browser. */
  problem?: string;
};

/** Next.js loads several copies of this module. The mark makes `instanceof` work across them. */
const MARK = Symbol.for('sandkeeper.error');

/** The only error class. `message` is shown to people: it says what is wrong and how to fix it. */
export class SandkeeperError extends Error {
  override readonly name = 'SandkeeperError';
  readonly [MARK] = true;
  readonly retryAfterMs: number | undefined;
  readonly problem: string | undefined;
  readonly words: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { cause, retryAfterMs, problem, words }: Details = {},
  ) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
    this.problem = problem;
    this.words = words;
  }

  /** The message, with the service's own words. */
  get fullMessage(): string {
    return this.words === undefined ? this.message : `${this.message} The service says: “${this.words}”.`;
  }

  static override [Symbol.hasInstance](thrown: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass keeps the ordinary check.
    if (this !== SandkeeperError) return Function.prototype[Symbol.hasInstance].call(this, thrown);
    return typeof thrown === 'object' && thrown !== null && MARK in thrown;
  }

  /** Wraps any thrown value. The text of an unknown error may contain addresses or keys, so it becomes the cause. */
  static from(thrown: unknown): SandkeeperError {
    if (thrown instanceof SandkeeperError) return thrown;
    const full = fullDiskIn(thrown);
    if (full !== null) return new SandkeeperError('disk_full', full, { cause: thrown });
    const message = 'Something unexpected happened. The server log has the details.';
    return new SandkeeperError('unexpected', message, { cause: thrown });
  }
}

const DATA_DISK_FULL =
  "The disk of Sandkeeper's data directory is full. Ask whoever runs Sandkeeper to free space there, then try again.";
const DATABASE_DISK_FULL =
  "The disk of Sandkeeper's database is full. Ask whoever runs the database to free space there, then try again.";

/** The codes of libsql, of Node.js and of PostgreSQL. */
const FULL_DISKS: Readonly<Record<string, string>> = {
  SQLITE_FULL: DATA_DISK_FULL,
  ENOSPC: DATA_DISK_FULL,
  EDQUOT: DATA_DISK_FULL,
  '53100': DATABASE_DISK_FULL,
};

/** Says which disk is full if that is the reason of an error, else `null`. */
function fullDiskIn(thrown: unknown): string | null {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // ENOSPC of a watch means too many watches.
    if (code !== undefined && syscall !== 'watch' && Object.hasOwn(FULL_DISKS, code))
      return FULL_DISKS[code] ?? null;
  }
  return null;
}

/** The error of work that is refused because the disk of the data directory is nearly full. */
export function dataDiskFull(): SandkeeperError {
  return new SandkeeperError('disk_full', DATA_DISK_FULL);
}

const HTTP_STATUS = {
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  not_offered: 501,
  conflict: 409,
  rate_limited: 429,
  quota: 429,
  timeout: 504,
  unavailable: 503,
  disk_full: 507,
  invalid: 400,
  unexpected: 500,
} satisfies Record<ErrorCode, number>;

/** The HTTP status for `code`. */
export function httpStatusOf(code: ErrorCode): number {
  return HTTP_STATUS[code];
}

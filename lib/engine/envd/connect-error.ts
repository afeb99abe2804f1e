/** Connect codes with their HTTP status in unary responses (docs/protocol.md#connect-codes). */
export const HTTP_STATUS_OF_CODE = {
  canceled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
} as const;

export type ConnectCode = keyof typeof HTTP_STATUS_OF_CODE;

/** A failed RPC. Callers see the message, which must not reveal details of the host. */
export class ConnectError extends Error {
  override name = 'ConnectError';

  constructor(
    readonly code: ConnectCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Wraps any other error as `internal`, without its message, which may contain host paths. */
  static from(error: unknown): ConnectError {
    if (error instanceof ConnectError) return error;
    return new ConnectError('internal', 'internal error', { cause: error });
  }

  /** Error body of unary responses and end-of-stream envelopes. */
  toJSON(): { code: ConnectCode; message: string } {
    return { code: this.code, message: this.message };
  }
}

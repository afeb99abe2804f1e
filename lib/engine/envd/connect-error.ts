/**
 * Codes of the Connect protocol with the HTTP status that carries them in unary replies
 * (docs/protocol.md#connect-codes).
 */
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

/** A failed RPC. The message is shown to the caller, so it speaks of the sandbox and never of the host. */
export class ConnectError extends Error {
  override name = 'ConnectError';

  constructor(
    readonly code: ConnectCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /**
   * The error itself, or `internal` for anything else. The text of a foreign error is kept as the cause and not shown:
   * it may name paths of the host.
   */
  static from(error: unknown): ConnectError {
    if (error instanceof ConnectError) return error;
    return new ConnectError('internal', 'internal error', { cause: error });
  }

  /** The form that both kinds of reply carry. */
  toJSON(): { code: ConnectCode; message: string } {
    return { code: this.code, message: this.message };
  }
}

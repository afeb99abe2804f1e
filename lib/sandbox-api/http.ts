import 'server-only';
import { Agent, Client, type Dispatcher, errors, request } from 'undici';

/**
 * HTTP to the sandbox service and to sandboxes, through undici: `fetch` costs several times the CPU time
 * (docs/decisions/undici.md). No redirect is followed, because our credentials must not go where an answer points.
 */

type Options = {
  method: 'GET' | 'POST' | (string & {});
  headers: Record<string, string>;
  body?: Buffer | AsyncIterable<Uint8Array> | null;
  /** Ends the request at any time, the body of the answer included. */
  signal: AbortSignal;
  /** How long an answer may take to begin, ms. Without it, `signal` alone decides. */
  answerMs?: number;
  connections?: Dispatcher | undefined;
};

/** Without time limits: transfers and streams may pause for any time, and calls have a deadline of their own. */
const UNLIMITED = { headersTimeout: 0, bodyTimeout: 0 };

/** Keeps connections open between requests, for callers without their own. */
const keptConnections = new Agent(UNLIMITED);

/** More requests to one control plane wait for a socket. Operations send at most 256 at a time. */
const MAX_CONTROL_SOCKETS = 300;

/** The kept connections of one service. A slow service uses up its own sockets only. */
export type Sockets = {
  control: Dispatcher;
  sandboxes: Dispatcher;
  /** Ends the sockets of the control plane once their requests have ended. Those of sandboxes have tokens of their own. */
  retire: () => Promise<void>;
  close: () => Promise<void>;
};

/** Streams hold a socket as long as they last, so those of sandboxes are not limited together with short calls. */
export function openSockets(): Sockets {
  const control = new Agent({ ...UNLIMITED, connections: MAX_CONTROL_SOCKETS });
  const sandboxes = new Agent(UNLIMITED);
  return {
    control,
    sandboxes,
    retire: () => control.close(),
    close: async () => void (await Promise.all([control.destroy(), sandboxes.destroy()])),
  };
}

/**
 * A connection for one request whose body cannot be sent twice. Destroy it when the answer has ended. It is not announced
 * as the last request: a server that answers early would then close it, and the reset could overtake the answer.
 */
export function newConnection({ origin }: URL): Client {
  return new Client(origin, UNLIMITED);
}

/**
 * Sends a request and resolves when the headers of the answer are received. The body must be read or destroyed.
 * @throws the reason of `signal`; a `TypeError` like `fetch` if the connection failed; a `TimeoutError` after `answerMs`
 */
export async function sendHttp(
  url: string | URL,
  { answerMs = 0, connections = keptConnections, body = null, signal, ...options }: Options,
): Promise<Dispatcher.ResponseData> {
  try {
    const answer = await request(url, {
      ...options,
      dispatcher: connections,
      method: options.method as Dispatcher.HttpMethod,
      // undici reads any async iterable, unlike its type.
      body: body as Buffer | null,
      signal,
      headersTimeout: answerMs,
    });
    // Without a listener, destroying an unread body would end the process.
    answer.body.on('error', () => {});
    return answer;
  } catch (error) {
    throw requestError(error, signal);
  }
}

/** The error of a request or of its body in the form that `fetch` throws. */
export function requestError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof errors.HeadersTimeoutError)
    return new DOMException('No answer in time.', 'TimeoutError');
  const isNetwork =
    error instanceof errors.UndiciError ||
    error instanceof errors.HTTPParserError ||
    (error as NodeJS.ErrnoException).syscall !== undefined ||
    isTls(error);
  return isNetwork ? new TypeError('The request failed.', { cause: error }) : error;
}

/** Whether TLS failed: another protocol at the port, or a certificate that is not valid. */
function isTls(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return /^ERR_(SSL|TLS)_|CERT|SIGNATURE/.test(code ?? '');
}

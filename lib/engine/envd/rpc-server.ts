import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { sendJson, sendJsonBytes } from '../http';
import { ConnectError, HTTP_STATUS_OF_CODE } from './connect-error';
import { acceptedEncoding, bodyEncoding } from './encodings';
import { decodeMessages, gunzipMessage, MAX_MESSAGE_BYTES, parseJson } from './envelope';
import type { OpenCall } from './open-calls';
import { chunksOf, discardRest, readWhole } from './request-body';
import type { CallContext, ClientStreamRpc, Rpc, ServerStreamRpc, UnaryRpc } from './rpc';
import { StreamWriter } from './stream-writer';

export type RpcExchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: OpenCall;
  /** Identifies the caller. @throws ConnectError `unauthenticated` */
  open(): Promise<Pick<CallContext, 'guest' | 'user' | 'root'>>;
  onFault(error: unknown): void;
};

const UNARY_TYPE = 'application/json';
const STREAM_TYPE = 'application/connect+json';
const BODY_TIMEOUT_MS = 60_000;
const MIN_COMPRESSED_CHARS = 1_024;
const DEFAULT_KEEPALIVE_S = 90;
/** The maximum delay of a timer. A longer timeout counts as none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Serves one RPC (docs/protocol.md#envd-rpc). `rpc` is undefined for an unknown method. */
export async function serveRpc(rpc: Rpc | undefined, exchange: RpcExchange): Promise<void> {
  try {
    const rejection = checkRequest(rpc, exchange.request);
    if (rejection) sendJson(exchange.response, rejection.status, rejection.error, rejection.headers);
    else if (rpc?.kind === 'unary') await serveUnary(rpc, exchange);
    else if (rpc) await serveStream(rpc, exchange);
  } finally {
    discardRest(exchange.request);
  }
}

type Rejection = { status: number; error: ConnectError; headers?: Record<string, string> };

/** Checks a request before its body is read. */
function checkRequest(rpc: Rpc | undefined, request: IncomingMessage): Rejection | null {
  if (!rpc) return { status: 404, error: new ConnectError('unimplemented', 'unknown method') };
  if (request.method !== 'POST') {
    const error = new ConnectError('unimplemented', 'expected a POST request');
    return { status: 405, error, headers: { allow: 'POST' } };
  }
  const accepted = rpc.kind === 'unary' ? UNARY_TYPE : STREAM_TYPE;
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === accepted) return null;
  const error = new ConnectError('invalid_argument', `expected the content type ${accepted}`);
  return { status: 415, error, headers: { 'accept-post': accepted } };
}

async function serveUnary(rpc: UnaryRpc, exchange: RpcExchange): Promise<void> {
  const { request, response, call } = exchange;
  const handle = async (limits: CallLimits) => {
    const encoding = requireEncoding(request.headers, 'content-encoding');
    const tooSlow = new ConnectError('deadline_exceeded', 'the request body took too long');
    const timer = setTimeout(() => call.abort(tooSlow), BODY_TIMEOUT_MS);
    const reading = readWhole(request, MAX_MESSAGE_BYTES, call.signal);
    const sent = await reading.finally(() => clearTimeout(timer));
    const body = encoding === 'gzip' ? await gunzipMessage(sent) : sent;
    const message = body.length === 0 ? {} : parseJson(body);
    return await rpc.call(message, { ...(await exchange.open()), ...limits, signal: call.signal });
  };
  await runCall(exchange, handle, {
    succeed: (message) => sendMessage(request, response, message),
    fail: (error) => sendJson(response, HTTP_STATUS_OF_CODE[error.code], error),
  });
}

async function serveStream(rpc: ServerStreamRpc | ClientStreamRpc, exchange: RpcExchange): Promise<void> {
  const { request, response, call } = exchange;
  const limits = readLimits(request.headers);
  const keepalive = rpc.kind === 'server-stream' ? rpc.keepalive : undefined;
  const writer = new StreamWriter(response, { keepalive, keepaliveMs: limits.keepaliveMs });
  const handle = async (callLimits: CallLimits) => {
    const encoding = requireEncoding(request.headers, 'connect-content-encoding');
    const messages = decodeMessages(chunksOf(request, call.signal), encoding === 'gzip');
    const context = async () => ({ ...(await exchange.open()), ...callLimits, signal: call.signal });
    if (rpc.kind === 'server-stream') {
      const message = await readSingle(messages);
      return await rpc.call(message, await context(), writer);
    }
    await writer.send((await rpc.call(messages, await context())) as object);
  };
  await runCall(exchange, handle, {
    succeed: () => writer.end(),
    fail: (error) => writer.end(error),
  });
}

type CallLimits = Pick<CallContext, 'deadlineMs' | 'keepaliveMs'>;

/**
 * Runs a handler and responds once: with its result, its failure, or at an abort. Resolves after the handler has
 * settled, because until then it may use files.
 */
async function runCall<Result>(
  exchange: RpcExchange,
  handle: (limits: CallLimits) => Promise<Result>,
  reply: { succeed(result: Result): void; fail(error: ConnectError): void },
): Promise<void> {
  const { call, request, response } = exchange;
  const limits = readLimits(request.headers);
  const fail = (error: ConnectError) => {
    if (!response.destroyed && !response.writableEnded) reply.fail(error);
  };
  // An error thrown by a listener of an abort would reach no caller.
  const onAbort = () => {
    try {
      fail(ConnectError.from(call.signal.reason));
    } catch (error) {
      exchange.onFault(error);
      response.destroy();
    }
  };
  call.signal.addEventListener('abort', onAbort, { once: true });
  const timer = startDeadline(call, limits.deadlineMs);
  try {
    const result = await handle(limits);
    if (!call.signal.aborted) reply.succeed(result);
  } catch (error) {
    if (call.signal.aborted) return;
    if (!(error instanceof ConnectError)) exchange.onFault(error);
    fail(ConnectError.from(error));
  } finally {
    clearTimeout(timer);
    call.signal.removeEventListener('abort', onAbort);
  }
}

function startDeadline(call: OpenCall, deadlineMs: number | null): NodeJS.Timeout | undefined {
  if (deadlineMs === null) return undefined;
  const onDeadline = () => call.abort(new ConnectError('deadline_exceeded', 'the deadline has passed'));
  return setTimeout(onDeadline, Math.max(0, deadlineMs - Date.now()));
}

/**
 * `Connect-Timeout-Ms` may be a decimal (Python), `Keepalive-Ping-Interval` is in seconds
 * (docs/protocol.md#rpc-request-headers).
 */
function readLimits(headers: IncomingHttpHeaders): CallLimits {
  const timeoutMs = positiveOf(headers['connect-timeout-ms']);
  const keepaliveS = positiveOf(headers['keepalive-ping-interval']) ?? DEFAULT_KEEPALIVE_S;
  const isEndless = timeoutMs === null || timeoutMs > MAX_TIMER_MS;
  return {
    deadlineMs: isEndless ? null : Date.now() + timeoutMs,
    keepaliveMs: Math.min(keepaliveS * 1000, MAX_TIMER_MS),
  };
}

function positiveOf(header: string | string[] | undefined): number | null {
  const value = typeof header === 'string' ? Number.parseFloat(header) : Number.NaN;
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** @throws ConnectError `unimplemented` for an encoding that is not offered */
function requireEncoding(headers: IncomingHttpHeaders, name: string): 'gzip' | 'identity' {
  const encoding = bodyEncoding(headers[name]);
  if (encoding !== null) return encoding;
  throw new ConnectError('unimplemented', `unknown compression ${JSON.stringify(headers[name])}`);
}

/** Sends the result of a unary call, compressed if that pays and the client accepts it. */
function sendMessage(request: IncomingMessage, response: ServerResponse, message: unknown): void {
  const text = JSON.stringify(message);
  const isWorthIt = text.length >= MIN_COMPRESSED_CHARS && acceptedEncoding(request.headers) === 'gzip';
  if (!isWorthIt) {
    sendJson(response, 200, message);
    return;
  }
  gzip(text, (error, compressed) => {
    if (response.destroyed || response.writableEnded) return;
    if (error) sendJson(response, 200, message);
    else sendJsonBytes(response, 200, compressed, { 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  });
}

/** Reads the only message of a server stream's request. */
async function readSingle(messages: AsyncGenerator<unknown, void, undefined>): Promise<unknown> {
  const first = await messages.next();
  if (first.done)
    throw new ConnectError('invalid_argument', 'protocol error: expected one message, got none');
  const second = await messages.next();
  if (second.done) return first.value;
  throw new ConnectError('invalid_argument', 'protocol error: expected one message, got several');
}

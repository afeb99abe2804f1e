import 'server-only';
import type { Dispatcher } from 'undici';
import { joinSignals } from '../joined-signal';
import { outsideRequests } from '../request-context';
import { ByteCollector } from './byte-collector';
import { requestError, sendHttp } from './http';
import { redact } from './redact';

/**
 * A client for Connect over JSON, the protocol of envd (docs/protocol.md#envd-rpc). The server runs in a sandbox and is
 * untrusted: the length of its answers is limited, and its redirects are not followed.
 */

/** A service's address, the headers of every request to it, and how it is called. */
export type ConnectEndpoint = {
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  /** The deadline of a short call, ms. */
  callMs: number;
  /** Kept connections. Without them, those that all callers without their own share. */
  sockets?: Dispatcher;
};

export type ConnectOptions = {
  signal: AbortSignal;
  /** The deadline, ms, which is sent too. envd also kills a process that the request started. */
  timeoutMs?: number;
  /** The longest message to accept. */
  maxBytes?: number;
};

/** An error answer. `code` is a Connect code, or for example `http_502` if a proxy answered instead of the service. */
export class ConnectRefusal extends Error {
  override readonly name = 'ConnectRefusal';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** How long the answer to a streaming call may take to begin, in deadlines of a short call. */
const STREAM_PATIENCE = 4;
const HEAD_BYTES = 5;
const END_OF_STREAM = 0x02;
/** The interval of keepalive messages on an idle stream. Shorter than the idle timeouts of proxies. */
const KEEPALIVE_S = '50';

/** Makes a unary call and resolves to the JSON of its answer. @throws ConnectRefusal, or an error of `sendHttp` */
export async function callConnect(
  endpoint: ConnectEndpoint,
  method: string,
  message: unknown,
  options: ConnectOptions,
): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(message));
  const { signal, release } = joinSignals([options.signal], options.timeoutMs);
  try {
    const response = await post(endpoint, method, 'application/json', body, { ...options, signal });
    const text = await readText(response, { ...options, signal });
    if (response.statusCode !== 200)
      throw refusalOf(endpoint, `http_${response.statusCode}`, parseJson(text));
    return JSON.parse(text);
  } finally {
    release();
  }
}

/**
 * Makes a streaming call and yields the messages of its answer. Leaving early closes the connection. The deadline is sent
 * and not enforced here.
 * @throws ConnectRefusal, also if the stream breaks, or an error of `sendHttp`
 */
export async function* streamConnect(
  endpoint: ConnectEndpoint,
  method: string,
  message: unknown,
  options: ConnectOptions,
): AsyncGenerator<unknown, void, undefined> {
  const body = envelope(message);
  const { callMs } = endpoint;
  const answerMs = STREAM_PATIENCE * callMs;
  const response = await post(endpoint, method, 'application/connect+json', body, options, answerMs);
  if (response.statusCode !== 200) {
    const { signal, release } = joinSignals([options.signal], callMs);
    const text = await readText(response, { signal }).finally(release);
    throw refusalOf(endpoint, `http_${response.statusCode}`, parseJson(text));
  }
  for await (const { flags, text } of readEnvelopes(response, options)) {
    const content: unknown = JSON.parse(text);
    if ((flags & END_OF_STREAM) === 0) yield content;
    else if (isRecord(content) && content.error != null) throw refusalOf(endpoint, 'unknown', content.error);
    else return;
  }
  throw new ConnectRefusal('unavailable', 'the stream ended without an end message');
}

async function post(
  { baseUrl, headers, sockets }: ConnectEndpoint,
  method: string,
  contentType: string,
  body: Buffer,
  { signal, timeoutMs }: ConnectOptions,
  answerMs = 0,
): Promise<Dispatcher.ResponseData> {
  const options = {
    method: 'POST',
    body,
    signal,
    answerMs,
    connections: sockets,
    headers: {
      ...headers,
      'content-type': contentType,
      'connect-protocol-version': '1',
      'keepalive-ping-interval': KEEPALIVE_S,
      ...(timeoutMs === undefined ? {} : { 'connect-timeout-ms': String(Math.ceil(timeoutMs)) }),
    },
  };
  const url = `${baseUrl.replace(/\/+$/, '')}/${method}`;
  const answer = await outsideRequests(() => sendHttp(url, options));
  if (answer.statusCode < 300 || answer.statusCode >= 400) return answer;
  answer.body.destroy();
  throw new TypeError('The sandbox answered with a redirect.');
}

function envelope(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Yields the chunks of the body until `signal` aborts. */
async function* chunksOf({ body }: Dispatcher.ResponseData, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw requestError(error, signal);
  }
}

async function* readEnvelopes(
  response: Dispatcher.ResponseData,
  { signal, maxBytes = MAX_MESSAGE_BYTES }: ConnectOptions,
): AsyncGenerator<{ flags: number; text: string }> {
  let held = new ByteCollector();
  let needed = HEAD_BYTES;
  for await (const chunk of chunksOf(response, signal)) {
    held.add(chunk);
    if (held.size < needed) continue;
    let rest: Buffer = held.bytes();
    for (;;) {
      needed = rest.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + rest.readUInt32BE(1);
      if (needed > maxBytes) throw new ConnectRefusal('out_of_range', 'a message is too long');
      if (rest.length < needed) break;
      yield { flags: rest.readUInt8(0), text: rest.toString('utf8', HEAD_BYTES, needed) };
      rest = rest.subarray(needed);
    }
    held = new ByteCollector();
    held.add(rest);
  }
}

async function readText(
  response: Dispatcher.ResponseData,
  { signal, maxBytes = MAX_MESSAGE_BYTES }: ConnectOptions,
): Promise<string> {
  const read = new ByteCollector();
  for await (const chunk of chunksOf(response, signal)) {
    read.add(chunk);
    if (read.size > maxBytes) throw new ConnectRefusal('out_of_range', 'the answer is too long');
  }
  return read.bytes().toString('utf8');
}

/** Reads an error object such as `{"code":"not_found","message":"…"}`. */
function refusalOf(endpoint: ConnectEndpoint, fallbackCode: string, content: unknown): ConnectRefusal {
  const { code, message } = isRecord(content) ? content : {};
  const text = withoutToken(endpoint, typeof message === 'string' ? message : '');
  return new ConnectRefusal(typeof code === 'string' ? code : fallbackCode, text);
}

/** An answer may quote the token of the request, and errors are logged. */
export function withoutToken({ headers }: ConnectEndpoint, text: string): string {
  return redact(text, [headers['x-access-token'] ?? '']);
}

function isRecord(content: unknown): content is Record<string, unknown> {
  return typeof content === 'object' && content !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

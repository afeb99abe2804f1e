import 'server-only';
import { outsideRequests } from '../request-context';

/**
 * Connect over JSON, as envd speaks it (docs/protocol.md#envd-rpc). What answers is inside a sandbox, where somebody
 * else's code may be root: it is believed no length, and it leads to no other address.
 */

/** Where a service answers, and what every request to it carries. */
export type ConnectEndpoint = { baseUrl: string; headers: Readonly<Record<string, string>> };

export type ConnectOptions = {
  signal: AbortSignal;
  /** The deadline that the service is told, ms. A process that is started lives no longer. */
  timeoutMs?: number;
  /** The longest message that is taken, bytes. */
  mostBytes?: number;
};

/** The service's own refusal. `code` is Connect's, or `http_502` where something in between answered. */
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
const HEAD_BYTES = 5;
const END_OF_STREAM = 0x02;
/** How often a stream with nothing to say shows that it lives, s. Less than any idle timer on the way. */
const KEEPALIVE_S = '50';

/** A unary call: the answer's JSON. @throws ConnectRefusal, or what `fetch` throws */
export async function callConnect(
  endpoint: ConnectEndpoint,
  method: string,
  message: unknown,
  options: ConnectOptions,
): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(message));
  const response = await post(endpoint, method, 'application/json', body, options);
  const text = await readText(response, options.mostBytes);
  if (!response.ok) throw refusalOf(`http_${response.status}`, parsed(text));
  return JSON.parse(text);
}

/**
 * A call that is answered by a stream: its messages, until it ends well. Leaving it early closes the connection.
 * @throws ConnectRefusal, or what `fetch` throws
 */
export async function* streamConnect(
  endpoint: ConnectEndpoint,
  method: string,
  message: unknown,
  options: ConnectOptions,
): AsyncGenerator<unknown, void, undefined> {
  const response = await post(endpoint, method, 'application/connect+json', envelope(message), options);
  if (!response.ok) throw refusalOf(`http_${response.status}`, parsed(await readText(response)));
  for await (const { flags, text } of readEnvelopes(response, options)) {
    const content: unknown = JSON.parse(text);
    if ((flags & END_OF_STREAM) === 0) yield content;
    else if (isRecord(content) && content.error != null) throw refusalOf('unknown', content.error);
    else return;
  }
  throw new ConnectRefusal('unavailable', 'the stream broke off');
}

function post(
  { baseUrl, headers }: ConnectEndpoint,
  method: string,
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
  { signal, timeoutMs }: ConnectOptions,
): Promise<Response> {
  const init: RequestInit = {
    method: 'POST',
    body,
    signal,
    // The token must not follow where a sandbox points.
    redirect: 'error',
    headers: {
      ...headers,
      'content-type': contentType,
      'connect-protocol-version': '1',
      'keepalive-ping-interval': KEEPALIVE_S,
      ...(timeoutMs === undefined ? {} : { 'connect-timeout-ms': String(Math.ceil(timeoutMs)) }),
    },
  };
  return outsideRequests(() => fetch(`${baseUrl.replace(/\/+$/, '')}/${method}`, init));
}

function envelope(message: unknown): Uint8Array<ArrayBuffer> {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/**
 * What comes, until `signal` ends it. `fetch` heeds its signal only as long as its own request object lives, which a
 * stream that is read for long outlasts.
 */
async function* chunksOf({ body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  const end = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

async function* readEnvelopes(
  response: Response,
  { signal, mostBytes = MAX_MESSAGE_BYTES }: ConnectOptions,
): AsyncGenerator<{ flags: number; text: string }> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let needed = HEAD_BYTES;
  for await (const chunk of chunksOf(response, signal)) {
    parts.push(chunk);
    held += chunk.length;
    // Joined only when a message is whole: chunks may be as small as the sender likes.
    if (held < needed) continue;
    let rest: Buffer = Buffer.concat(parts);
    for (;;) {
      needed = rest.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + rest.readUInt32BE(1);
      if (needed > mostBytes) throw new ConnectRefusal('out_of_range', 'a message is too long');
      if (rest.length < needed) break;
      yield { flags: rest.readUInt8(0), text: rest.toString('utf8', HEAD_BYTES, needed) };
      rest = rest.subarray(needed);
    }
    parts = [rest];
    held = rest.length;
  }
}

async function readText(response: Response, mostBytes = MAX_MESSAGE_BYTES): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new ConnectRefusal('out_of_range', 'the answer is too long');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** `{"code":"not_found","message":"…"}`, if that is what it is. */
function refusalOf(otherwise: string, content: unknown): ConnectRefusal {
  const { code, message } = isRecord(content) ? content : {};
  return new ConnectRefusal(typeof code === 'string' ? code : otherwise, String(message ?? ''));
}

function isRecord(content: unknown): content is Record<string, unknown> {
  return typeof content === 'object' && content !== null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

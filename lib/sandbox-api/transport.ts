import 'server-only';
import type { Dispatcher } from 'undici';
import { ByteCollector } from './byte-collector';
import { sendHttp } from './http';

/** Longer answers are rejected. */
const MAX_BYTES = 64 * 1024 * 1024;

export type ServiceRequest = {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  signal: AbortSignal;
  connections?: Dispatcher | undefined;
};

/** `header` returns `null` for a header that the answer lacks. Names are in lower case. */
export type ServiceAnswer = { status: number; header: (name: string) => string | null; bytes: Buffer };

/**
 * Sends a request to the control plane. Resolves when the whole answer is received.
 * @throws the reason of the request's signal, or a `TypeError` if the connection failed or the answer is not valid HTTP
 */
export async function sendRequest({ url, body, ...request }: ServiceRequest): Promise<ServiceAnswer> {
  const json = body === undefined ? null : Buffer.from(JSON.stringify(body));
  const headers =
    json === null ? request.headers : { ...request.headers, 'content-type': 'application/json' };
  const { connections, ...options } = request;
  const answer = await sendHttp(url, {
    ...options,
    headers,
    body: json,
    ...(connections && { connections }),
  });
  try {
    if (!isStatus(answer.statusCode)) throw new Error(`There is no status ${answer.statusCode}.`);
    return { status: answer.statusCode, header: headerOf(answer), bytes: await readBytes(answer) };
  } catch (error) {
    answer.body.destroy();
    if (request.signal.aborted) throw request.signal.reason;
    throw new TypeError('The answer is incomplete or not valid.', { cause: error });
  }
}

function isStatus(code: number): boolean {
  return code >= 200 && code <= 599;
}

function headerOf({ headers }: Dispatcher.ResponseData): ServiceAnswer['header'] {
  return (name) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return Array.isArray(value) ? value.join(', ') : (value ?? null);
  };
}

async function readBytes({ body }: Dispatcher.ResponseData): Promise<Buffer<ArrayBuffer>> {
  const read = new ByteCollector();
  for await (const part of body) {
    if (read.size + part.length > MAX_BYTES) throw new Error('The answer is too long.');
    read.add(part);
  }
  return read.bytes();
}

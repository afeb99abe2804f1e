import 'server-only';
import type { Dispatcher } from 'undici';
import { ByteCollector } from './byte-collector';
import { sendHttp } from './http';

/** Longer answers are rejected. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The `fetch` of the SDK's client. Resolves when the whole answer is received.
 * @throws the reason of the request's signal, or a `TypeError` if the connection failed or the answer is not valid HTTP
 */
export async function sendRequest(request: Request): Promise<Response> {
  const { method, signal } = request;
  const body = request.body === null ? null : Buffer.from(await request.arrayBuffer());
  const headers = Object.fromEntries(request.headers);
  const answer = await sendHttp(request.url, { method, headers, body, signal });
  try {
    return responseOf(answer, await readBytes(answer));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new TypeError('The answer is incomplete or not valid.', { cause: error });
  }
}

async function readBytes({ body }: Dispatcher.ResponseData): Promise<Buffer<ArrayBuffer>> {
  const read = new ByteCollector();
  for await (const part of body) {
    if (read.size + part.length > MAX_BYTES) throw new Error('The answer is too long.');
    read.add(part);
  }
  return read.bytes();
}

function responseOf({ statusCode, headers }: Dispatcher.ResponseData, body: Buffer<ArrayBuffer>): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  const isEmpty = body.length === 0 || statusCode === 204 || statusCode === 205 || statusCode === 304;
  return new Response(isEmpty ? null : body, { status: statusCode, headers: pairs });
}

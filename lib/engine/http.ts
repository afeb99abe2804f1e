import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A failure that the caller sees (docs/protocol.md#error-body). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Reply = { status: number; body?: unknown; headers?: OutgoingHttpHeaders };

/** Writes a JSON response, uncached because it holds tokens and live state. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  sendJsonBytes(response, status, Buffer.from(JSON.stringify(body)), headers);
}

/** Writes a response of encoded JSON like `sendJson`. */
export function sendJsonBytes(
  response: ServerResponse,
  status: number,
  bytes: Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(bytes);
}

/** Writes an error body with the fields of `extra` added (docs/protocol.md#error-body). */
export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  options: { headers?: OutgoingHttpHeaders; extra?: Record<string, unknown> } = {},
): void {
  sendJson(response, status, { ...options.extra, code: status, message }, options.headers);
}

export function sendReply(response: ServerResponse, reply: Reply): void {
  if (reply.body !== undefined) sendJson(response, reply.status, reply.body, reply.headers);
  else response.writeHead(reply.status, { 'cache-control': 'no-store', ...reply.headers }).end();
}

const BODY_TIMEOUT_MS = 30_000;
/** Reads and discards up to this many times the limit, because callers read the response only after sending. */
const DRAINED_LIMITS = 16;

/**
 * Reads a whole body of at most `limitBytes`.
 * @throws ApiError 413 if it is larger, 408 if it takes longer than 30 s, 400 if it is incomplete.
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let sizeBytes = 0;
    const fail = (status: number, message: string) => {
      clearTimeout(timer);
      request.off('data', onData);
      request.resume();
      reject(new ApiError(status, message, { connection: 'close' }));
    };
    const failSize = () => fail(413, `request body is larger than ${limitBytes} bytes`);
    const onData = (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= limitBytes) chunks.push(chunk);
      else chunks = [];
      if (sizeBytes > limitBytes * DRAINED_LIMITS) failSize();
    };
    const onEnd = () => {
      clearTimeout(timer);
      if (sizeBytes > limitBytes) failSize();
      else resolve(Buffer.concat(chunks));
    };
    const onCut = () => {
      if (!request.complete) fail(400, 'request body is incomplete');
    };
    const timer = setTimeout(() => fail(408, 'request body took too long'), BODY_TIMEOUT_MS);
    request.on('data', onData).once('end', onEnd).once('error', onCut).once('close', onCut);
    if (Number(request.headers['content-length'] ?? 0) > limitBytes * DRAINED_LIMITS) failSize();
  });
}

/** Parses a JSON body. An empty body gives undefined. @throws ApiError 400 if it is not JSON. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new ApiError(400, 'validation error: request body is not valid JSON');
  }
}

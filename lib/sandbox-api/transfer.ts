import 'server-only';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { outsideRequests } from '../request-context';
import { type ConnectEndpoint, ConnectRefusal } from './connect';

/**
 * Bytes of files, of any size and at any pace (docs/protocol.md#envd-http). Not by `fetch`: its timers break off a
 * transfer whose other side is slow, and its streams cost a multiple. Redirects are not followed: the token must not go
 * elsewhere.
 */

type Order = {
  method: 'GET' | 'POST';
  path: string;
  query: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Ends the transfer whenever it is aborted, its body included. */
  signal: AbortSignal;
};

/** How long an answer may take to begin once everything is sent, ms. */
const ANSWER_MS = 30_000;
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Asks for bytes. The answer's body must be read or destroyed. @throws what the connection failed of */
export function openDownload(endpoint: ConnectEndpoint, order: Order): Promise<IncomingMessage> {
  return outsideRequests(async () => {
    const first = send(endpoint, order);
    first.end();
    try {
      return await answerOf(first);
    } catch (error) {
      // The other side has closed the idle connection just as it was taken up again.
      if (!first.reusedSocket || order.signal.aborted) throw error;
    }
    const second = send(endpoint, order);
    second.end();
    return await answerOf(second);
  });
}

/** Sends `body` as it comes. Resolves with the answer, which may come before all is sent. */
export function openUpload(
  endpoint: ConnectEndpoint,
  order: Order,
  body: AsyncIterable<Uint8Array>,
): Promise<IncomingMessage> {
  return outsideRequests(async () => {
    // Of its own: what has been sent cannot be sent again.
    const request = send(endpoint, order, { isOwnConnection: true });
    const answer = answerOf(request);
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    answer.then(over, over);
    try {
      for await (const chunk of body) {
        // It has been refused, or nobody is there any more: the rest need not be sent.
        if (isOver) break;
        if (!request.write(chunk)) await drained(request);
      }
    } catch (error) {
      request.destroy();
      throw error;
    }
    if (!isOver) request.end();
    return await answer;
  });
}

/** The refusal in an answer that is not what was asked for: `http_404` and the other side's words. */
export async function refusalOf(answer: IncomingMessage): Promise<ConnectRefusal> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of answer) {
      parts.push(part);
      size += part.length;
      if (size > MAX_REFUSAL_BYTES) break;
    }
  } catch {
    // Its status says enough.
  }
  return new ConnectRefusal(`http_${answer.statusCode}`, Buffer.concat(parts).toString('utf8'));
}

function send(
  { baseUrl, headers }: ConnectEndpoint,
  { method, path, query, headers: more, signal }: Order,
  { isOwnConnection = false } = {},
): ClientRequest {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return request(url, {
    method,
    signal,
    headers: { ...headers, ...more },
    ...(isOwnConnection ? { agent: false } : {}),
  });
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const giveUp = () => request.destroy(new DOMException('No answer in time.', 'TimeoutError'));
    request.on('finish', () => {
      timer = setTimeout(giveUp, ANSWER_MS);
    });
    request.on('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error.name === 'Error' ? new TypeError('The transfer failed.', { cause: error }) : error);
    });
  });
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'response']) request.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'response']) request.on(event, done);
  });
}

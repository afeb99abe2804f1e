import 'server-only';
import type { Dispatcher } from 'undici';
import { joinSignals } from '../joined-signal';
import { outsideRequests } from '../request-context';
import { ByteCollector } from './byte-collector';
import { type ConnectEndpoint, ConnectRefusal, withoutToken } from './connect';
import { newConnection, sendHttp } from './http';

/** Transfers of files of any size and at any speed (docs/protocol.md#envd-http). */

type TransferRequest = {
  method: 'GET' | 'POST';
  path: string;
  query: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Ends the transfer at any time, its body included. */
  signal: AbortSignal;
};

/** How long an answer may take to begin once the request is sent, in deadlines of a short call. */
const PATIENCE = 2;
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Requests bytes. The body of the answer must be read or destroyed. @throws the error of the connection */
export function openDownload(
  endpoint: ConnectEndpoint,
  request: TransferRequest,
): Promise<Dispatcher.ResponseData> {
  const { method, signal } = request;
  const options = {
    method,
    headers: headersOf(endpoint, request),
    signal,
    connections: endpoint.sockets,
    answerMs: PATIENCE * endpoint.callMs,
  };
  return outsideRequests(async () => {
    const url = urlOf(endpoint, request);
    try {
      return await sendHttp(url, options);
    } catch (error) {
      // The server may have closed an idle connection just as it was reused.
      if (signal.aborted || !(error instanceof TypeError)) throw error;
      return await sendHttp(url, options);
    }
  });
}

/** Sends `body` as it comes. Resolves with the answer, which may come before all of it is sent. */
export function openUpload(
  endpoint: ConnectEndpoint,
  request: TransferRequest,
  body: AsyncIterable<Uint8Array>,
): Promise<Dispatcher.ResponseData> {
  const timeout = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  async function* timedBody() {
    yield* body;
    const giveUp = () => timeout.abort(new DOMException('No answer in time.', 'TimeoutError'));
    timer = setTimeout(giveUp, PATIENCE * endpoint.callMs);
  }
  const { signal, release } = joinSignals([request.signal, timeout.signal]);
  const options = {
    method: request.method,
    headers: headersOf(endpoint, request),
    body: timedBody(),
    signal,
  };
  return outsideRequests(async () => {
    const url = urlOf(endpoint, request);
    const connection = newConnection(url);
    const close = () => {
      release();
      void connection.destroy();
    };
    try {
      const answer = await sendHttp(url, { ...options, connections: connection });
      answer.body.once('close', close);
      return answer;
    } catch (error) {
      close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  });
}

/** The error in an answer with another status than expected: `http_404` and the text of the body. */
export async function refusalOf(
  { statusCode, body }: Dispatcher.ResponseData,
  endpoint: ConnectEndpoint,
): Promise<ConnectRefusal> {
  const read = new ByteCollector();
  const timer = setTimeout(() => body.destroy(), endpoint.callMs);
  try {
    for await (const part of body) {
      read.add(part.subarray(0, MAX_REFUSAL_BYTES - read.size));
      if (read.size === MAX_REFUSAL_BYTES) break;
    }
  } catch {
    // The status is enough.
  } finally {
    clearTimeout(timer);
  }
  return new ConnectRefusal(`http_${statusCode}`, withoutToken(endpoint, read.bytes().toString('utf8')));
}

/** Reads the rest of an answer so that its connection ends in order, but not an endless one. */
export function discardRest({ body }: Dispatcher.ResponseData, { callMs }: ConnectEndpoint): void {
  let bytesLeft = MAX_REFUSAL_BYTES;
  const timer = setTimeout(() => body.destroy(), callMs);
  body.once('close', () => clearTimeout(timer));
  body.on('data', (chunk: Buffer) => {
    bytesLeft -= chunk.length;
    if (bytesLeft < 0) body.destroy();
  });
}

function urlOf({ baseUrl }: ConnectEndpoint, { path, query }: TransferRequest): URL {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function headersOf({ headers }: ConnectEndpoint, request: TransferRequest): Record<string, string> {
  return { ...headers, ...request.headers };
}

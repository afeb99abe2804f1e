import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Upgrade } from '../guests';
import { sendError } from '../http';
import { headersForClient, headersForServer } from './port-headers';
import type { Sandbox } from './sandbox';
import { StartRefused } from './session';

/** Time for a server to start its response, from the last byte of the request. */
const ANSWER_TIMEOUT_MS = 600_000;

export type PortExchange = {
  readonly port: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Set if the request changes the protocol of its connection. */
  readonly upgrade?: Upgrade | undefined;
  /** Tokens of the sandbox, which its servers must not receive. */
  readonly secrets: readonly string[];
  /** The `Host` that the server sees. Default: that of the request. */
  readonly host?: string | undefined;
  readonly answerTimeoutMs?: number | undefined;
  /** Whether the server speaks TLS. Its certificate is not checked. Default: false. */
  readonly isTls?: boolean;
};

/**
 * Proxies a request to a server inside a sandbox (docs/protocol.md#ports-of-a-sandbox). The server is untrusted: whatever it
 * answers leads to a response or a closed connection, never to an error.
 * @returns false if nothing listens on the port; the request is then untouched
 */
export async function proxyToPort(sandbox: Sandbox, exchange: PortExchange): Promise<boolean> {
  const { request, response, answerTimeoutMs = ANSWER_TIMEOUT_MS } = exchange;
  const timer = setTimeout(() => refuse(exchange, 504, 'did not respond in time'), answerTimeoutMs);
  const postpone = () => void timer.refresh();
  response.once('close', () => clearTimeout(timer));
  const dialing = sandbox.dial(exchange.port);
  try {
    const connection = await Promise.race([dialing, closed(response)]);
    if (connection) {
      request.on('data', postpone);
      await relay(connection, exchange, () => clearTimeout(timer));
    } else dialing.then((late) => late.destroy()).catch(() => {});
    return true;
  } catch (error) {
    if (error instanceof StartRefused) return false;
    throw error;
  } finally {
    request.off('data', postpone);
    clearTimeout(timer);
  }
}

/** Resolves when the client disconnects or the engine ends the response because the sandbox stops. */
function closed(response: ServerResponse): Promise<null> {
  return new Promise((resolve) => response.once('close', () => resolve(null)));
}

/** Resolves when the response has closed. @throws if the request cannot be sent */
async function relay(connection: Duplex, exchange: PortExchange, onAnswer: () => void): Promise<void> {
  const { request, response } = exchange;
  const finished = closed(response);
  let hasAnswer = false;
  const fail = () => refuse(exchange, 502, 'closed the connection without a valid response');
  try {
    const onward = open(connection, exchange);
    onward.once('response', (answer) => {
      hasAnswer = true;
      onAnswer();
      // An error may be reported more than once.
      answer.on('error', () => response.destroy());
      try {
        passOn(answer, response);
      } catch {
        fail();
      }
    });
    onward.on('error', fail);
    onward.once('upgrade', (answer, upstream, head) => {
      hasAnswer = true;
      onAnswer();
      if (exchange.upgrade) switchProtocols(answer, { socket: upstream, head }, exchange.upgrade);
      else fail();
    });
    // A change to a protocol that Node refuses ends in `close` alone.
    onward.once('close', () => {
      if (!hasAnswer) fail();
    });
    if (exchange.upgrade) onward.end();
    else request.pipe(onward);
    await finished;
  } finally {
    connection.destroy();
  }
}

/** Relays the bytes of both sides from the server's agreement on. */
function switchProtocols(answer: IncomingMessage, server: Upgrade, client: Upgrade): void {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'connection: Upgrade'];
  const protocol = answer.headers.upgrade ?? '';
  if (/^[\w./-]{1,100}$/.test(protocol)) lines.push(`upgrade: ${protocol}`);
  for (const [name, values] of Object.entries(headersForClient(answer.rawHeaders))) {
    for (const value of [values].flat()) lines.push(`${name}: ${value}`);
  }
  client.socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), server.head]));
  server.socket.on('error', () => client.socket.destroy());
  server.socket.write(client.head);
  client.socket.pipe(server.socket);
  server.socket.pipe(client.socket);
}

function open(connection: Duplex, { request, secrets, host, upgrade, isTls }: PortExchange): ClientRequest {
  const isChunked = request.headers['transfer-encoding'] !== undefined;
  return httpRequest({
    createConnection: () =>
      isTls ? connectTls({ socket: connection, rejectUnauthorized: false }) : connection,
    method: request.method,
    path: request.url,
    headers: {
      ...headersForServer(request.rawHeaders, secrets),
      ...(host === undefined ? {} : { Host: host, 'X-Forwarded-Host': request.headers.host ?? '' }),
      ...(isChunked ? { 'Transfer-Encoding': 'chunked' } : {}),
      ...(upgrade ? { Connection: 'Upgrade', Upgrade: request.headers.upgrade } : { Connection: 'close' }),
    },
    setHost: false,
  });
}

/** @throws if the head cannot be sent */
function passOn(answer: IncomingMessage, response: ServerResponse): void {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) throw new RangeError(`invalid status ${status}`);
  // Without the reason phrase, which may contain any byte.
  response.writeHead(status, headersForClient(answer.rawHeaders));
  answer.pipe(response);
}

/** Answers for the server, or closes the connection if its response has begun. Never throws. */
function refuse({ port, response }: PortExchange, status: 502 | 504, problem: string): void {
  if (response.headersSent || response.destroyed) response.destroy();
  else {
    const options = { extra: { port }, headers: { connection: 'close' } };
    sendError(response, status, `The server on port ${port} ${problem}`, options);
  }
}

import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Sandbox } from './sandbox';
import { StartRefused } from './session';

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'];

/**
 * Proxies a request to a server inside a sandbox (docs/protocol.md#ports-of-a-sandbox).
 * @returns false if nothing listens on the port; the request is then untouched
 */
export async function proxyToPort(
  sandbox: Sandbox,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const dialing = sandbox.dial(port);
  try {
    const connection = await Promise.race([dialing, closed(response)]);
    if (connection) await exchange(connection, request, response);
    else dialing.then((late) => late.destroy()).catch(() => {});
    return true;
  } catch (error) {
    if (error instanceof StartRefused) return false;
    throw error;
  }
}

/** Resolves when the client disconnects or the engine ends the response because the sandbox stops. */
function closed(response: ServerResponse): Promise<null> {
  return new Promise((resolve) => response.once('close', () => resolve(null)));
}

function exchange(connection: Duplex, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      connection.destroy();
      resolve();
    };
    const onward = httpRequest({
      createConnection: () => connection,
      method: request.method,
      path: request.url,
      headers: { ...withoutHopByHop(request.headers), connection: 'close' },
      setHost: false,
    });
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, withoutHopByHop(answer.headers));
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    onward.once('error', () => {
      if (response.headersSent) response.destroy();
      else
        response.writeHead(502, { 'content-type': 'text/plain' }).end('The server closed the connection.\n');
    });
    response.once('close', done);
    request.pipe(onward);
  });
}

function withoutHopByHop(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}

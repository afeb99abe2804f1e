import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** Headers of an upgrade, which a request without one does not have. */
const OF_UPGRADE = new Set(['upgrade', 'connection', 'http2-settings']);

/**
 * Serves a request that asks to upgrade its connection as if it had not asked, which HTTP permits. Node hands every such request
 * to the `upgrade` listener, also those of clients that offer HTTP/2 with each request.
 */
export function serveWithoutUpgrade(
  server: Server,
  { method, url, rawHeaders }: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!OF_UPGRADE.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

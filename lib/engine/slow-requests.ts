import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendError } from './http';

/** The least that an upload sends within half a deadline. */
const MIN_PROGRESS_BYTES = 1_024;
const REFUSAL_MS = 1_000;

/**
 * Ends a request whose body does not arrive within `timeoutMs`, or, for an upload, that makes no progress within each
 * `timeoutMs` in which the engine reads it.
 */
export function limitBodyTime(
  request: IncomingMessage,
  response: ServerResponse,
  { timeoutMs, isUpload }: { timeoutMs: number; isUpload: boolean },
): void {
  const { socket } = request;
  let readBytes = socket.bytesRead;
  let isStalled = false;
  const check = () => {
    if (request.complete || request.destroyed) return clearInterval(timer);
    const progress = socket.bytesRead - readBytes;
    readBytes = socket.bytesRead;
    // What waits in the buffer has arrived: the disk is slow, not the client.
    const hasProgress = isUpload && (progress >= MIN_PROGRESS_BYTES || request.readableLength > 0);
    // The reading may have begun just now, so only a second check in a row decides.
    const isOver = !hasProgress && isStalled;
    isStalled = !hasProgress;
    if (!isOver) return;
    clearInterval(timer);
    setTimeout(() => socket.destroy(), REFUSAL_MS).unref();
    if (response.headersSent || response.destroyed) socket.destroy();
    else sendError(response, 408, 'request took too long', { headers: { connection: 'close' } });
  };
  const timer = setInterval(check, timeoutMs / 2);
  timer.unref();
  request.once('close', () => clearInterval(timer));
}

/**
 * Holds at most `max` connections. Then the one that has waited longest without a request is closed for a new one, so that
 * idle connections lock nobody out; if all are in use, the new one is closed.
 */
export function limitConnections(server: Server, max: number): void {
  /** The requests under way on each connection, the longest idle first. */
  const held = new Map<Socket, number>();
  server.on('connection', (socket: Socket) => {
    if (held.size >= max) {
      const idle = [...held].find(([, requests]) => requests === 0)?.[0];
      if (idle === undefined) return void socket.destroy();
      held.delete(idle);
      idle.destroy();
    }
    held.set(socket, 0);
    socket.once('close', () => held.delete(socket));
  });
  // A connection in another protocol is never idle.
  server.on('upgrade', ({ socket }) => held.set(socket, Number.POSITIVE_INFINITY));
  server.on('request', ({ socket }, response) => {
    const requests = held.get(socket);
    if (requests === undefined) return;
    held.set(socket, requests + 1);
    response.once('close', () => {
      const left = (held.get(socket) ?? 1) - 1;
      if (held.delete(socket)) held.set(socket, left);
    });
  });
}

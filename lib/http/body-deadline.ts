import 'server-only';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The least that an upload sends within half a deadline. */
const MIN_PROGRESS_BYTES = 1_024;
/** How long a slow client has to read the answer, ms. */
const REFUSAL_MS = 1_000;

/**
 * Ends a request whose body does not arrive. A whole body has `timeoutMs`; an upload may take any time, but has to make
 * progress within each `timeoutMs` in which the server reads it.
 */
export function limitBodyTime(
  req: IncomingMessage,
  res: ServerResponse,
  { timeoutMs, isUpload }: { timeoutMs: number; isUpload: boolean },
): void {
  const { socket, headers } = req;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody) return;
  let readBytes = socket.bytesRead;
  let isStalled = false;
  const check = () => {
    if (req.complete || req.destroyed) return clearInterval(timer);
    const progress = socket.bytesRead - readBytes;
    readBytes = socket.bytesRead;
    // What waits in the buffer has arrived: the sandbox is slow, not the client.
    const hasProgress = isUpload && (progress >= MIN_PROGRESS_BYTES || req.readableLength > 0);
    // The reading may have begun just now, so only a second check in a row decides.
    const isOver = !hasProgress && isStalled;
    isStalled = !hasProgress;
    if (!isOver) return;
    clearInterval(timer);
    refuse(req, res);
  };
  const timer = setInterval(check, timeoutMs / 2);
  timer.unref();
  req.once('close', () => clearInterval(timer));
}

function refuse(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  if (res.headersSent || res.destroyed) {
    socket.destroy();
    return;
  }
  res.once('finish', () => socket.destroySoon());
  res.writeHead(408, { 'content-type': 'text/plain', 'cache-control': 'no-store', connection: 'close' });
  res.end('The body of the request did not arrive in time. Try again.\n');
  setTimeout(() => socket.destroy(), REFUSAL_MS).unref();
}

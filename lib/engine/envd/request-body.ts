import type { IncomingMessage } from 'node:http';
import { ConnectError } from './connect-error';
import { untilAborted } from './open-calls';

const DISCARD_MS = 30_000;

/**
 * Iterates over a body. Unlike a loop over the request, leaving early keeps the connection open for a response.
 * @throws the reason of the signal once it aborts, even while the client sends nothing.
 */
export async function* chunksOf(
  request: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const iterator: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false });
  for (;;) {
    const result = await untilAborted(iterator.next(), signal);
    if (result.done) return;
    yield result.value;
  }
}

/** Reads a whole body. @throws ConnectError `resource_exhausted` above `limitBytes`, or the reason of the signal. */
export async function readWhole(
  request: IncomingMessage,
  limitBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunksOf(request, signal)) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) {
      throw new ConnectError('resource_exhausted', `message is larger than ${limitBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

/**
 * Discards the rest of a body after the response. A client that is still sending would otherwise see a connection reset
 * instead of the response.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.resume();
}

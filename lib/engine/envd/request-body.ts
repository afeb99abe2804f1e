import type { IncomingMessage } from 'node:http';
import { ConnectError } from './connect-error';
import { untilAborted } from './open-calls';

/** How long the rest of a refused body is read on, so that its sender gets to the answer. */
const DISCARD_MS = 30_000;
/**
 * The body piece by piece. Unlike a plain loop over the request, leaving early does not close the connection, so an
 * answer can still be sent.
 * @throws the signal's reason once it aborts, also while the caller sends nothing.
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

/** The whole body. @throws ConnectError `resource_exhausted` above `limitBytes`, and the signal's reason. */
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
 * Reads and drops what is left of a body after its answer. A client that is still sending would otherwise see its
 * connection reset instead of the answer.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.resume();
}

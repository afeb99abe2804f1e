import { ApiError } from '../http';
import { contentTypeOf, SNIFF_BYTES } from './content-type';
import type { FileRequest } from './file-request';
import type { LiveFiles } from './live-files';
import { sendChunk } from './open-calls';

/** A file that ends within this is sent with its length. */
const MAX_HELD_BYTES = 1024 * 1024;
const HELD_MS = 1_000;

/** Sends a file without a size, such as one in `/proc`. An endless one is sent until the client leaves. @throws ApiError */
export async function sendLiveFile(
  exchange: FileRequest,
  live: LiveFiles,
  { path, livePath }: { path: string; livePath: string },
): Promise<void> {
  const { guest, root, user, response, signal } = exchange;
  const reading = await live.read({ guest, root, user, path: livePath });
  const stop = () => reading.stop();
  signal.addEventListener('abort', stop, { once: true });
  response.once('close', stop);
  try {
    const held: Buffer[] = [];
    let heldBytes = 0;
    const startedMs = performance.now();
    for await (const chunk of reading.chunks) {
      if (response.headersSent) {
        await sendChunk(response, chunk, signal);
        continue;
      }
      held.push(chunk);
      heldBytes += chunk.length;
      const isLong = heldBytes > MAX_HELD_BYTES || performance.now() - startedMs > HELD_MS;
      if (!isLong) continue;
      response.writeHead(200, headersOf(path, held));
      response.write(Buffer.concat(held.splice(0)));
    }
    signal.throwIfAborted();
    const { problem } = await reading.ended;
    if (response.headersSent) return void (problem === null ? response.end() : response.destroy());
    if (problem !== null && heldBytes === 0) throw problemOf(problem, path);
    response.writeHead(200, { ...headersOf(path, held), 'content-length': heldBytes });
    response.end(Buffer.concat(held));
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

function headersOf(path: string, held: readonly Buffer[]): Record<string, string> {
  return {
    'content-type': contentTypeOf(path, Buffer.concat(held).subarray(0, SNIFF_BYTES)),
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
}

/** @param problem the message of a shell command */
function problemOf(problem: string, path: string): ApiError {
  if (/no such file/i.test(problem)) return new ApiError(404, `path '${path}' does not exist`);
  if (/is a directory/i.test(problem)) return new ApiError(400, `path '${path}' is a directory`);
  return new ApiError(500, `error opening file '${path}': ${problem.slice(0, 200)}`);
}

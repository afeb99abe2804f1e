import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { ApiError, sendError } from '../http';
import { openForRead, type ReadableFile } from '../safe-fs/files';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import { contentTypeOf, SNIFF_BYTES } from './content-type';
import { type FileRequest, filePath, toApiError } from './file-request';
import { untilAborted } from './open-calls';
import { type ByteRange, readRanges } from './ranges';

const CHUNK_BYTES = 256 * 1024;

/** Serves `GET /files`, whole files or ranges (docs/protocol.md#envd-reading-a-file). @throws ApiError 400, 404, 500 */
export async function download(exchange: FileRequest): Promise<void> {
  const path = filePath(exchange.query.get('path') ?? '', exchange.user);
  const file = await openFile(exchange, path);
  try {
    await sendFile(exchange, path, file);
  } catch (error) {
    throw toApiError(error);
  } finally {
    file.close();
  }
}

async function openFile({ root }: FileRequest, path: string): Promise<ReadableFile> {
  try {
    return await openForRead(root, path);
  } catch (error) {
    const code = error instanceof SafeFsError ? codeOf(error) : '';
    if (code === 'ENOENT') throw new ApiError(404, `path '${path}' does not exist`);
    if (code === 'EISDIR') throw new ApiError(400, `path '${path}' is a directory`);
    throw toApiError(error);
  }
}

async function sendFile(exchange: FileRequest, path: string, file: ReadableFile): Promise<void> {
  const { request, response } = exchange;
  const contentType = await guessType(path, file);
  // If-Range never matches, because Last-Modified is always now.
  const header = request.headers['if-range'] === undefined ? request.headers.range : undefined;
  const ranges = readRanges(header, file.sizeBytes);
  response.setHeader('accept-ranges', 'bytes');
  if (ranges === 'unsatisfiable') {
    const headers = { 'content-range': `bytes */${file.sizeBytes}` };
    return sendError(response, 416, 'invalid range: failed to overlap', { headers });
  }
  response.setHeader('last-modified', new Date().toUTCString());
  // A sandbox's HTML must not run in this server's origin.
  response.setHeader('content-security-policy', 'sandbox');
  response.setHeader('x-content-type-options', 'nosniff');
  if (ranges === 'whole') {
    response.writeHead(200, { 'content-type': contentType, 'content-length': file.sizeBytes });
    await sendParts(exchange, file, [{ head: '', range: { start: 0, end: file.sizeBytes - 1 } }], '');
  } else {
    await sendRanges(exchange, file, ranges, contentType);
  }
}

async function sendRanges(
  exchange: FileRequest,
  file: ReadableFile,
  ranges: ByteRange[],
  contentType: string,
): Promise<void> {
  const { response } = exchange;
  const describe = ({ start, end }: ByteRange) => `bytes ${start}-${end}/${file.sizeBytes}`;
  const [only, ...others] = ranges;
  if (only && others.length === 0) {
    response.writeHead(206, {
      'content-type': contentType,
      'content-range': describe(only),
      'content-length': only.end - only.start + 1,
    });
    return await sendParts(exchange, file, [{ head: '', range: only }], '');
  }
  const boundary = randomBytes(24).toString('hex');
  const parts = ranges.map((range, index) => ({
    range,
    head: `${index > 0 ? '\r\n' : ''}--${boundary}\r\nContent-Range: ${describe(range)}\r\nContent-Type: ${contentType}\r\n\r\n`,
  }));
  const tail = `\r\n--${boundary}--\r\n`;
  const lengths = parts.map(({ head, range }) => head.length + range.end - range.start + 1);
  response.writeHead(206, {
    'content-type': `multipart/byteranges; boundary=${boundary}`,
    'content-length': lengths.reduce((sum, length) => sum + length, tail.length),
  });
  await sendParts(exchange, file, parts, tail);
}

type Part = { readonly head: string; readonly range: ByteRange };

async function sendParts(
  { response, signal }: FileRequest,
  file: ReadableFile,
  parts: readonly Part[],
  tail: string,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (const { head, range } of parts) {
    if (head !== '') response.write(head);
    for (let position = range.start; position <= range.end; ) {
      const wantedBytes = Math.min(buffer.length, range.end + 1 - position);
      const readBytes = await file.read(buffer, position, wantedBytes);
      signal.throwIfAborted();
      // The file has shrunk after its length was sent. Only a broken connection can report it.
      if (readBytes < wantedBytes) return void response.destroy();
      await sendChunk(response, buffer.subarray(0, readBytes), signal);
      position += readBytes;
    }
  }
  response.end(tail);
}

/** Resolves once the chunk is sent and its buffer can be reused. */
function sendChunk(response: ServerResponse, chunk: Buffer, signal: AbortSignal): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
  return untilAborted(written, signal);
}

async function guessType(path: string, file: ReadableFile): Promise<string> {
  const head = Buffer.alloc(SNIFF_BYTES);
  const readBytes = await file.read(head, 0, head.length);
  return contentTypeOf(path, head.subarray(0, readBytes));
}

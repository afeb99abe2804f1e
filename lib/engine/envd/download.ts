import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ApiError, sendError } from '../http';
import { openForRead, type ReadableFile } from '../safe-fs/files';
import { codeOf, LiveMountError, SafeFsError } from '../safe-fs/safe-fs-error';
import { checkConditions, permitsRange, versionOf } from './conditional';
import { contentTypeOf, SNIFF_BYTES } from './content-type';
import { acceptedEncoding } from './encodings';
import { type FileRequest, filePath, toApiError } from './file-request';
import { sendLiveFile } from './live-download';
import { sendChunk } from './open-calls';
import { type ByteRange, readRanges } from './ranges';

const CHUNK_BYTES = 256 * 1024;
/** With one of these the response is not compressed, so that lengths and parts are those of the file. */
const CONDITIONS = [
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
];

/** Serves `GET /files`, whole files or ranges (docs/protocol.md#envd-reading-a-file). @throws ApiError 400, 404, 406, 500 */
export async function download(exchange: FileRequest): Promise<void> {
  const path = filePath(exchange.query.get('path') ?? '', exchange.user);
  let file: ReadableFile;
  try {
    file = await openForRead(exchange.root, path);
  } catch (error) {
    if (error instanceof LiveMountError && exchange.live) {
      return await sendLiveFile(exchange, exchange.live, { path, livePath: error.livePath });
    }
    throw toReadError(error, path);
  }
  try {
    await sendFile(exchange, path, file);
  } catch (error) {
    throw toApiError(error);
  } finally {
    file.close();
  }
}

function toReadError(error: unknown, path: string): unknown {
  const code = error instanceof SafeFsError ? codeOf(error) : '';
  if (code === 'ENOENT') return new ApiError(404, `path '${path}' does not exist`);
  if (code === 'EISDIR') return new ApiError(400, `path '${path}' is a directory`);
  return toApiError(error);
}

async function sendFile(exchange: FileRequest, path: string, file: ReadableFile): Promise<void> {
  const { request, response } = exchange;
  const isConditional = CONDITIONS.some((name) => request.headers[name] !== undefined);
  const encoding = isConditional ? 'identity' : acceptedEncoding(request.headers);
  response.appendHeader('vary', 'Accept-Encoding');
  if (encoding === null) throw new ApiError(406, 'no acceptable encoding found, supported: gzip');
  const { ino, mtimeMs } = file.stat;
  const version = versionOf({ ino, sizeBytes: file.sizeBytes, modifiedMs: mtimeMs });
  response.setHeader('etag', version.etag);
  response.setHeader('last-modified', new Date(mtimeMs).toUTCString());
  const outcome = checkConditions(request.headers, version);
  if (outcome === 'failed') throw new ApiError(412, 'the file has another version');
  if (outcome === 'not-modified') return void response.writeHead(304).end();
  const contentType = await guessType(path, file);
  const header = permitsRange(request.headers['if-range'], version) ? request.headers.range : undefined;
  const ranges = readRanges(header, file.sizeBytes);
  response.setHeader('accept-ranges', 'bytes');
  if (ranges === 'unsatisfiable') {
    const headers = { 'content-range': `bytes */${file.sizeBytes}` };
    return sendError(response, 416, 'invalid range: failed to overlap', { headers });
  }
  response.setHeader('content-disposition', dispositionOf(path));
  // A sandbox's HTML must not run in this server's origin.
  response.setHeader('content-security-policy', 'sandbox');
  response.setHeader('x-content-type-options', 'nosniff');
  if (ranges !== 'whole') return await sendRanges(exchange, file, ranges, contentType);
  // SDKs recognise an empty file by its length.
  if (encoding === 'gzip' && file.sizeBytes > 0) return await sendCompressed(exchange, file, contentType);
  response.writeHead(200, { 'content-type': contentType, 'content-length': file.sizeBytes });
  await sendParts(exchange, file, [{ head: '', range: { start: 0, end: file.sizeBytes - 1 } }], '');
}

/** A name with other characters than a token's is encoded (RFC 6266). */
function dispositionOf(path: string): string {
  const name = posix.basename(path);
  if (/^[\w!#$&+.^`|~-]+$/.test(name)) return `inline; filename=${name}`;
  if (/^[\x20-\x7e]*$/.test(name)) return `inline; filename="${name.replace(/["\\]/g, '\\$&')}"`;
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16)}`,
  );
  return `inline; filename*=utf-8''${encoded}`;
}

async function sendCompressed(
  { response, signal }: FileRequest,
  file: ReadableFile,
  contentType: string,
): Promise<void> {
  // The version names the bytes of the file, not these.
  response.removeHeader('etag');
  response.removeHeader('accept-ranges');
  response.writeHead(200, { 'content-type': contentType, 'content-encoding': 'gzip' });
  await pipeline(Readable.from(wholeOf(file), { objectMode: false }), createGzip(), response, { signal });
}

async function* wholeOf(file: ReadableFile): AsyncGenerator<Buffer, void, undefined> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    const readBytes = await file.read(buffer, position, buffer.length);
    if (readBytes === 0) return;
    yield buffer.subarray(0, readBytes);
    position += readBytes;
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

async function guessType(path: string, file: ReadableFile): Promise<string> {
  const head = Buffer.alloc(SNIFF_BYTES);
  const readBytes = await file.read(head, 0, head.length);
  return contentTypeOf(path, head.subarray(0, readBytes));
}

import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import { ApiError, sendJson } from '../http';
import { openForWrite, type WritableFile } from '../safe-fs/files';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import { bodyEncoding, EncodingError, gunzip } from './encodings';
import { type Metadata, metadataOf } from './file-metadata';
import { type FileRequest, filePath, toApiError } from './file-request';
import { boundaryOf, MultipartError, type MultipartEvent, readMultipart } from './multipart';
import { chunksOf } from './request-body';

/** Per request, because the response lists them all. */
const MAX_FILES = 10_000;

type Written = {
  readonly path: string;
  readonly name: string;
  readonly type: 'file';
  readonly metadata?: Metadata;
};

/**
 * Serves `POST /files`: writes every part named `file` of a form, or the whole body
 * (docs/protocol.md#envd-writing-files). Files written before a failure remain.
 * @throws ApiError 400 for a bad path, a directory, a repeated path, an unknown type or encoding; 507 without space; 500
 * for a malformed form
 */
export async function upload(exchange: FileRequest): Promise<void> {
  const { request, response, account, signal } = exchange;
  const events = eventsOf(exchange);
  const metadata = metadataOf(request);
  await account.ready();
  const receiver = new Receiver(exchange, metadata);
  try {
    for await (const event of events) await receiver.receive(event);
    await receiver.close();
  } catch (error) {
    if (error instanceof MultipartError) throw new ApiError(500, `error reading form: ${error.message}`);
    if (error instanceof EncodingError) {
      throw new ApiError(400, `error decompressing request body: ${error.message}`);
    }
    throw toApiError(error);
  } finally {
    await receiver.close();
  }
  signal.throwIfAborted();
  sendJson(response, 200, receiver.written);
}

/** @throws ApiError 400 for a type or encoding that is not offered; 500 for a form without a boundary */
function eventsOf({ request, query, signal }: FileRequest): AsyncIterable<MultipartEvent> {
  const type = request.headers['content-type'];
  const mediaType = type?.split(';')[0]?.trim().toLowerCase() ?? '';
  const encoding = bodyEncoding(request.headers['content-encoding']);
  if (encoding === null) {
    throw new ApiError(
      400,
      `unsupported Content-Encoding: ${request.headers['content-encoding']}, supported: gzip`,
    );
  }
  const chunks = chunksOf(request, signal);
  const body = encoding === 'gzip' ? gunzip(chunks) : chunks;
  if (mediaType === 'application/octet-stream') {
    if (query.has('path')) return asOnePart(body);
    throw new ApiError(400, 'path query parameter is required for raw body upload');
  }
  if (!mediaType.startsWith('multipart/')) {
    const expected = 'expected multipart/form-data or application/octet-stream';
    throw new ApiError(400, `unsupported content type: ${type ?? ''}, ${expected}`);
  }
  const boundary = boundaryOf(type);
  if (boundary !== null) return readMultipart(body, boundary);
  throw new ApiError(500, 'error parsing multipart form: no multipart boundary param in Content-Type');
}

/** A body that is the file itself. */
async function* asOnePart(body: AsyncIterable<Buffer>): AsyncGenerator<MultipartEvent, void, undefined> {
  yield { type: 'part', name: 'file', fileName: null };
  for await (const chunk of body) yield { type: 'data', chunk };
  yield { type: 'end' };
}

class Receiver {
  readonly #exchange: FileRequest;
  readonly written: Written[] = [];
  readonly #paths = new Set<string>();
  readonly #metadata: Metadata;
  #file: { readonly target: WritableFile; finish(): void } | null = null;

  constructor(exchange: FileRequest, metadata: Metadata) {
    this.#exchange = exchange;
    this.#metadata = metadata;
  }

  async receive(event: MultipartEvent): Promise<void> {
    if (event.type === 'part') await this.#open(event);
    else if (event.type === 'end') await this.close();
    else if (this.#file) {
      this.#exchange.account.take(event.chunk.length);
      await this.#file.target.write(event.chunk);
    }
  }

  /** Closes the current file. A full disk may fail only now. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (!file) return;
    try {
      await file.target.close();
    } finally {
      file.finish();
    }
  }

  async #open(part: Extract<MultipartEvent, { type: 'part' }>): Promise<void> {
    if (part.name !== 'file') return;
    const path = this.#targetOf(part.fileName);
    if (this.#paths.has(path)) throw new ApiError(400, this.#describeRepeated(path));
    if (this.#paths.size >= MAX_FILES)
      throw new ApiError(400, `too many files: the limit is ${MAX_FILES} per upload`);
    this.#paths.add(path);
    await this.#openFile(path);
    const hasMetadata = Object.keys(this.#metadata).length > 0;
    const file = { path, name: posix.basename(path), type: 'file' } as const;
    this.written.push(hasMetadata ? { ...file, metadata: this.#metadata } : file);
  }

  #targetOf(fileName: string | null): string {
    const { query, user } = this.#exchange;
    const path = query.get('path') ?? fileName;
    if (path === null) throw new ApiError(400, 'file not found in Content-Disposition header');
    return filePath(path, user);
  }

  async #openFile(path: string): Promise<void> {
    const { root, account, openWrites, metadata } = this.#exchange;
    let finish = () => {};
    let opened: Stats | undefined;
    try {
      const target = await openForWrite(root, path, (stat) => {
        opened = stat;
        finish = openWrites.begin(stat);
      });
      this.#file = { target, finish };
      account.release(target.freedBytes);
      if (opened) await metadata.set(opened, this.#metadata);
    } catch (error) {
      finish();
      const isDirectory = error instanceof SafeFsError && codeOf(error) === 'EISDIR';
      throw isDirectory ? new ApiError(400, `path is a directory: ${path}`) : error;
    }
  }

  #describeRepeated(path: string): string {
    const others = this.written.map((file) => file.path);
    const first = `you cannot upload multiple files to the same path '${path}', only the first specified file was uploaded`;
    return others.length > 1
      ? `${first}, also the following files were uploaded: ${others.join(', ')}`
      : first;
  }
}

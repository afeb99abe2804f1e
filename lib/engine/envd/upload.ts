import { posix } from 'node:path';
import { ApiError, sendJson } from '../http';
import { openForWrite, type WritableFile } from '../safe-fs/files';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import { type FileRequest, filePath, toApiError } from './file-request';
import { boundaryOf, MultipartError, type MultipartEvent, readMultipart } from './multipart';
import { chunksOf } from './request-body';

/** Per request, because the response lists them all. */
const MAX_FILES = 10_000;

type Written = { readonly path: string; readonly name: string; readonly type: 'file' };

/**
 * Serves `POST /files`: writes every part named `file` (docs/protocol.md#envd-writing-files). Files written before a
 * failure remain.
 * @throws ApiError 400 for a bad path, a directory, a repeated path or a malformed body; 507 without space; 500 for
 * another content type
 */
export async function upload(exchange: FileRequest): Promise<void> {
  const { request, response, account, signal } = exchange;
  const boundary = boundaryOf(request.headers['content-type']);
  if (boundary === null) {
    const message = "error parsing multipart form: request Content-Type isn't multipart/form-data";
    throw new ApiError(500, message);
  }
  await account.ready();
  const receiver = new Receiver(exchange);
  try {
    for await (const event of readMultipart(chunksOf(request, signal), boundary)) {
      await receiver.receive(event);
    }
  } catch (error) {
    if (error instanceof MultipartError) throw new ApiError(400, `error reading form: ${error.message}`);
    throw toApiError(error);
  } finally {
    await receiver.close();
  }
  sendJson(response, 200, receiver.written);
}

class Receiver {
  readonly #exchange: FileRequest;
  readonly written: Written[] = [];
  readonly #paths = new Set<string>();
  #file: WritableFile | null = null;

  constructor(exchange: FileRequest) {
    this.#exchange = exchange;
  }

  async receive(event: MultipartEvent): Promise<void> {
    if (event.type === 'part') await this.#open(event);
    else if (event.type === 'end') await this.close();
    else if (this.#file) {
      this.#exchange.account.take(event.chunk.length);
      await this.#file.write(event.chunk);
    }
  }

  /** Closes the current file. A full disk may fail only now. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async #open(part: Extract<MultipartEvent, { type: 'part' }>): Promise<void> {
    if (part.name !== 'file') return;
    const path = this.#targetOf(part.fileName);
    if (this.#paths.has(path)) throw new ApiError(400, this.#describeRepeated(path));
    if (this.#paths.size >= MAX_FILES)
      throw new ApiError(400, `too many files: the limit is ${MAX_FILES} per upload`);
    this.#paths.add(path);
    this.#file = await this.#openFile(path);
    this.#exchange.account.release(this.#file.freedBytes);
    this.written.push({ path, name: posix.basename(path), type: 'file' });
  }

  #targetOf(fileName: string | null): string {
    const { query, user } = this.#exchange;
    const path = query.get('path') ?? fileName;
    if (path === null) throw new ApiError(400, 'file not found in Content-Disposition header');
    return filePath(path, user);
  }

  async #openFile(path: string): Promise<WritableFile> {
    try {
      return await openForWrite(this.#exchange.root, path);
    } catch (error) {
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

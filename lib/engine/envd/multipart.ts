export class MultipartError extends Error {
  override name = 'MultipartError';
}

export type MultipartEvent =
  | { readonly type: 'part'; readonly name: string | null; readonly fileName: string | null }
  | { readonly type: 'data'; readonly chunk: Buffer }
  | { readonly type: 'end' };

const MAX_HEADER_BYTES = 16 * 1024;
const LINE_END = Buffer.from('\r\n');
const HEADER_END = Buffer.from('\r\n\r\n');

/** The boundary in a content type; null if that is not `multipart/form-data`. */
export function boundaryOf(contentType: string | undefined): string | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType ?? '')) return null;
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType ?? '');
  return match?.[1] ?? match?.[2] ?? null;
}

/**
 * Parses a `multipart/form-data` body as a stream: `part`, its `data`, `end` for each part. A chunk is valid until the
 * next iteration. Only iterating reads on, which gives back-pressure.
 *
 * Form libraries such as `@fastify/busboy` 3.2 lose data without an error: they treat any line that begins with the
 * delimiter as one, drop parts with long headers or blanks after the delimiter, and ignore `filename*`.
 * @throws MultipartError for an incomplete or malformed body
 */
export async function* readMultipart(
  body: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<MultipartEvent, void, undefined> {
  const reader = new MultipartReader(boundary);
  for await (const chunk of body) {
    yield* reader.push(chunk);
    if (reader.isDone) return;
  }
  throw new MultipartError('the multipart body is incomplete');
}

class MultipartReader {
  isDone = false;
  #state: 'preamble' | 'headers' | 'data' = 'preamble';
  /** Starts with a line end, because the first delimiter needs none before it. */
  #buffer: Buffer = LINE_END;
  readonly #delimiter: Buffer;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  *push(chunk: Buffer): Generator<MultipartEvent, void, undefined> {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    while (!this.isDone) {
      const events = this.#state === 'headers' ? this.#readHeaders() : this.#readData();
      if (!events) return;
      yield* events;
    }
  }

  /** Returns null if it needs more bytes. */
  #readHeaders(): MultipartEvent[] | null {
    // The buffer starts with the line end of the delimiter, like an empty header block.
    const end = this.#buffer.indexOf(HEADER_END);
    if ((end < 0 ? this.#buffer.length : end) > MAX_HEADER_BYTES) {
      throw new MultipartError('the headers of a part are too long');
    }
    if (end < 0) return null;
    const headers = this.#buffer.toString('utf8', LINE_END.length, Math.max(end, LINE_END.length));
    this.#buffer = this.#buffer.subarray(end + HEADER_END.length);
    this.#state = 'data';
    return [{ type: 'part', ...readDisposition(headers) }];
  }

  /** Returns null if it needs more bytes. */
  #readData(): MultipartEvent[] | null {
    const start = this.#buffer.indexOf(this.#delimiter);
    if (start < 0) return this.#releaseData();
    const after = start + this.#delimiter.length;
    const kind = this.#classify(after);
    if (kind.type === 'unknown') return start > 0 ? this.#emit(start, start) : null;
    // A longer line that starts with the delimiter is data.
    if (kind.type === 'data') return this.#emit(after, after);
    const events = this.#emit(start, kind.next);
    if (this.#state === 'data') events.push({ type: 'end' });
    if (kind.type === 'last') this.isDone = true;
    else this.#state = 'headers';
    return events;
  }

  /** Reads the bytes after a delimiter: `--` ends the body, optional blanks and a line end start a part. */
  #classify(after: number): { type: 'last' | 'part' | 'data' | 'unknown'; next: number } {
    let at = after;
    if (this.#buffer.length < after + 2) return { type: 'unknown', next: after };
    if (this.#buffer[at] === 0x2d && this.#buffer[at + 1] === 0x2d) return { type: 'last', next: at + 2 };
    while (at - after < 64 && (this.#buffer[at] === 0x20 || this.#buffer[at] === 0x09)) at += 1;
    if (this.#buffer.length < at + 2) return { type: 'unknown', next: at };
    const isLineEnd = this.#buffer[at] === 0x0d && this.#buffer[at + 1] === 0x0a;
    return { type: isLineEnd ? 'part' : 'data', next: at };
  }

  /** Emits the data that cannot be the start of a delimiter. Returns null if there is none. */
  #releaseData(): MultipartEvent[] | null {
    const from = Math.max(0, this.#buffer.length - this.#delimiter.length + 1);
    const maybe = this.#buffer.indexOf(0x0d, from);
    const end = maybe < 0 ? this.#buffer.length : maybe;
    return end > 0 ? this.#emit(end, end) : null;
  }

  /** Emits the data up to `end` and continues at `next`. Drops data before the first part. */
  #emit(end: number, next: number): MultipartEvent[] {
    const chunk = this.#buffer.subarray(0, end);
    this.#buffer = this.#buffer.subarray(next);
    return this.#state === 'data' && chunk.length > 0 ? [{ type: 'data', chunk }] : [];
  }
}

function readDisposition(headers: string): { name: string | null; fileName: string | null } {
  const line = headers.split('\r\n').find((header) => /^content-disposition\s*:/i.test(header)) ?? '';
  const parameters = readParameters(line.slice(line.indexOf(':') + 1));
  const extended = /^utf-8'[^']*'(.*)$/i.exec(parameters.get('filename*') ?? '')?.[1];
  return {
    name: parameters.get('name') ?? null,
    fileName: (extended === undefined ? undefined : decode(extended)) ?? parameters.get('filename') ?? null,
  };
}

/** `; key=value` and `; key="value"`, with `\"` and `\\` inside quotes. */
function readParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  const pattern = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;
  for (const [, key = '', quoted, plain = ''] of text.matchAll(pattern)) {
    parameters.set(key.toLowerCase(), quoted === undefined ? plain : quoted.replace(/\\(["\\])/g, '$1'));
  }
  return parameters;
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/**
 * A streaming reader of `multipart/form-data` (docs/protocol.md#envd-writing-files). Written here because form
 * libraries (`@fastify/busboy` 3.2 among them) take any line that begins with the delimiter for one, drop a part whose
 * headers are too long or whose delimiter is followed by blanks, and pass over `filename*`: an upload would answer 200
 * with files cut or missing.
 */

/** What is no multipart body. */
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

/** The boundary of a content type, or null when that is not `multipart/form-data`. */
export function boundaryOf(contentType: string | undefined): string | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType ?? '')) return null;
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType ?? '');
  return match?.[1] ?? match?.[2] ?? null;
}

/**
 * Reads a body: for each part `part`, its `data`, `end`. A chunk is valid until the next one is asked for, and asking
 * is what reads on, so whoever awaits its writes in between has back-pressure.
 * @throws MultipartError for a body that is cut off or malformed
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
  throw new MultipartError('the multipart body is cut off');
}

class MultipartReader {
  isDone = false;
  #state: 'preamble' | 'headers' | 'data' = 'preamble';
  /** The first delimiter needs no line end before it, so one is put there. */
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

  /** Null: needs more. */
  #readHeaders(): MultipartEvent[] | null {
    // The buffer starts with the line end of the delimiter, which is also how an empty header block begins.
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

  /** Null: needs more. */
  #readData(): MultipartEvent[] | null {
    const start = this.#buffer.indexOf(this.#delimiter);
    if (start < 0) return this.#releaseData();
    const after = start + this.#delimiter.length;
    const kind = this.#classify(after);
    if (kind.type === 'unknown') return start > 0 ? this.#emit(start, start) : null;
    // A line that only begins like the delimiter is data.
    if (kind.type === 'data') return this.#emit(after, after);
    const events = this.#emit(start, kind.next);
    if (this.#state === 'data') events.push({ type: 'end' });
    if (kind.type === 'last') this.isDone = true;
    else this.#state = 'headers';
    return events;
  }

  /** What follows a delimiter: `--` ends the body, a line end (blanks before it allowed) starts a part. */
  #classify(after: number): { type: 'last' | 'part' | 'data' | 'unknown'; next: number } {
    let at = after;
    if (this.#buffer.length < after + 2) return { type: 'unknown', next: after };
    if (this.#buffer[at] === 0x2d && this.#buffer[at + 1] === 0x2d) return { type: 'last', next: at + 2 };
    while (at - after < 64 && (this.#buffer[at] === 0x20 || this.#buffer[at] === 0x09)) at += 1;
    if (this.#buffer.length < at + 2) return { type: 'unknown', next: at };
    const isLineEnd = this.#buffer[at] === 0x0d && this.#buffer[at + 1] === 0x0a;
    return { type: isLineEnd ? 'part' : 'data', next: at };
  }

  /** Hands out all that cannot be the beginning of a delimiter. Null when that is nothing. */
  #releaseData(): MultipartEvent[] | null {
    const from = Math.max(0, this.#buffer.length - this.#delimiter.length + 1);
    const maybe = this.#buffer.indexOf(0x0d, from);
    const end = maybe < 0 ? this.#buffer.length : maybe;
    return end > 0 ? this.#emit(end, end) : null;
  }

  /** Takes data up to `end` off the buffer, which goes on at `next`. What precedes the first part is dropped. */
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

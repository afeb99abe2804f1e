import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

type Weighted = { readonly name: string; readonly quality: number };

/** The encoding of a response by `Accept-Encoding`; null if the client accepts none that is offered. */
export function acceptedEncoding(headers: IncomingHttpHeaders): 'gzip' | 'identity' | null {
  const header = String(headers['accept-encoding'] ?? '');
  const accepted = header.split(',').map(readWeighted);
  const refusesIdentity = accepted.some(({ name, quality }) => name === 'identity' && quality === 0);
  for (const { name, quality } of accepted.toSorted((a, b) => b.quality - a.quality)) {
    if (quality === 0) continue;
    if (name === 'gzip') return 'gzip';
    if (name === 'identity') return 'identity';
    if (name === '*') return refusesIdentity ? 'gzip' : 'identity';
  }
  return refusesIdentity ? null : 'identity';
}

/** The encoding of a request's body in a header such as `Content-Encoding`; null for an unknown one. */
export function bodyEncoding(header: string | string[] | undefined): 'gzip' | 'identity' | null {
  const { name } = readWeighted(String(header ?? 'identity'));
  return name === 'gzip' || name === 'identity' ? name : null;
}

export class EncodingError extends Error {
  override name = 'EncodingError';
}

/** Decompresses a stream of chunks. @throws EncodingError for data that is not gzip, and the errors of `chunks` */
export async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const output = createGunzip();
  let sourceError: unknown;
  const source = Readable.from(chunks);
  source.once('error', (error) => {
    sourceError = error;
  });
  const done = pipeline(source, output);
  done.catch(() => {});
  try {
    for await (const chunk of output) yield chunk as Buffer;
    await done;
  } catch (error) {
    throw sourceError ?? new EncodingError(error instanceof Error ? error.message : 'invalid gzip data');
  } finally {
    source.destroy();
    output.destroy();
  }
}

function readWeighted(text: string): Weighted {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number.parseFloat(weight.slice(2));
  return { name, quality: Number.isNaN(quality) ? 1 : quality };
}

import { ApiFailure, apiFailureIn } from '../../api-client';
import { fileAddresses } from '../addresses';

/** Some bytes of a file, and what the answer said about all of it at that moment. */
export type FileBytes = {
  /** Fewer than asked for where the file ends before. */
  bytes: Uint8Array<ArrayBuffer>;
  sizeBytes: number;
};

export type ByteRange = {
  start: number;
  /** The first that is not wanted. */
  end: number;
  signal?: AbortSignal;
  /** Told as bytes arrive: how many there are by now. */
  onProgress?: (bytes: number) => void;
};

/** Reads a part of a file of a sandbox, for a script of ours to show. Throws `ApiFailure`, or what the signal says. */
export async function readBytes(
  sandboxId: string,
  path: string,
  { start, end, signal, onProgress }: ByteRange,
): Promise<FileBytes> {
  try {
    const answer = await fetch(fileAddresses.content(sandboxId, path, 'preview'), {
      cache: 'no-store',
      headers: { range: `bytes=${start}-${end - 1}` },
      ...(signal ? { signal } : {}),
    });
    const sizeBytes = sizeIn(answer.headers);
    // The file ends before.
    if (answer.status === 416) return { bytes: new Uint8Array(), sizeBytes };
    if (!answer.ok) throw apiFailureIn(answer.status, await answer.text().catch(() => ''));
    const skipped = answer.status === 206 ? 0 : start;
    const bytes = await readBody(answer, skipped, end - start, onProgress);
    return { bytes, sizeBytes };
  } catch (thrown) {
    signal?.throwIfAborted();
    throw ApiFailure.from(thrown);
  }
}

function sizeIn(headers: Headers): number {
  const named = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  return Number(named ?? headers.get('content-length') ?? 0);
}

/** At most `most` bytes after the first `skipped`: whoever grants no ranges sends all of it. */
async function readBody(
  { body }: Response,
  skipped: number,
  most: number,
  onProgress?: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let ahead = skipped;
  let held = 0;
  const reader = body?.getReader();
  while (reader && held < most) {
    const { value, done } = await reader.read();
    if (done) break;
    const part = value.subarray(Math.min(ahead, value.length), ahead + most - held);
    ahead = Math.max(0, ahead - value.length);
    parts.push(part);
    held += part.length;
    onProgress?.(held);
  }
  await reader?.cancel();
  const all = new Uint8Array(held);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

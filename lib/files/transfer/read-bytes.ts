import { ApiFailure, apiFailureIn } from '../../api-client';
import type { SandboxKey } from '../../sandbox-key';
import { fileAddresses } from '../addresses';

export type FileBytes = {
  /** Fewer than requested if the file ends. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The size of the whole file at that moment. */
  sizeBytes: number;
};

export type ByteRange = {
  start: number;
  /** Exclusive. */
  end: number;
  signal?: AbortSignal;
  /** Receives the number of bytes so far. */
  onProgress?: (bytes: number) => void;
};

/** Reads a range of a file. Throws `ApiFailure`, or the abort reason. */
export async function readBytes(
  sandboxKey: SandboxKey,
  path: string,
  { start, end, signal, onProgress }: ByteRange,
): Promise<FileBytes> {
  try {
    const response = await fetch(fileAddresses.content(sandboxKey, path, 'preview'), {
      cache: 'no-store',
      headers: { range: `bytes=${start}-${end - 1}` },
      ...(signal ? { signal } : {}),
    });
    const sizeBytes = sizeIn(response.headers);
    // The file ends before the range.
    if (response.status === 416) return { bytes: new Uint8Array(), sizeBytes };
    if (!response.ok) throw apiFailureIn(response.status, await response.text().catch(() => ''));
    const skipped = response.status === 206 ? 0 : start;
    const bytes = await readBody(response, skipped, end - start, onProgress);
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

/** Reads up to `max` bytes after `skipped` ones, which a server without range support sends. */
async function readBody(
  { body }: Response,
  skipped: number,
  max: number,
  onProgress?: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let ahead = skipped;
  let held = 0;
  const reader = body?.getReader();
  while (reader && held < max) {
    const { value, done } = await reader.read();
    if (done) break;
    const part = value.subarray(Math.min(ahead, value.length), ahead + max - held);
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

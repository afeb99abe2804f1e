import { posix } from 'node:path';

export const SNIFF_BYTES = 512;

const TEXT = 'text/plain; charset=utf-8';
const BINARY = 'application/octet-stream';

const BY_EXTENSION: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.gif': 'image/gif',
  '.gz': 'application/gzip',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.tar': 'application/x-tar',
  '.txt': TEXT,
  '.wasm': 'application/wasm',
  '.webm': 'video/webm',
  '.webp': 'image/webp',
  '.xml': 'text/xml; charset=utf-8',
  '.zip': 'application/zip',
};

const BY_MARKUP: readonly (readonly [RegExp, string])[] = [
  [/^\s*<(!doctype html|html|head|body|script)[\s>]/i, 'text/html; charset=utf-8'],
  [/^\s*<\?xml/, 'text/xml; charset=utf-8'],
];

/** By the first bytes in hex. */
const BY_SIGNATURE: readonly (readonly [string, string])[] = [
  ['255044462d', 'application/pdf'],
  ['89504e470d0a1a0a', 'image/png'],
  ['ffd8ff', 'image/jpeg'],
  ['474946383761', 'image/gif'],
  ['474946383961', 'image/gif'],
  ['1f8b08', 'application/x-gzip'],
  ['504b0304', 'application/zip'],
  ['0061736d', 'application/wasm'],
];

/** Guesses the type of a file from its extension or its first `SNIFF_BYTES`. */
export function contentTypeOf(path: string, head: Buffer): string {
  const byExtension = BY_EXTENSION[posix.extname(path).toLowerCase()];
  if (byExtension) return byExtension;
  const hex = head.toString('hex');
  const text = head.toString('latin1');
  const found =
    BY_SIGNATURE.find(([signature]) => hex.startsWith(signature)) ??
    BY_MARKUP.find(([pattern]) => pattern.test(text));
  return found?.[1] ?? (head.some(isBinary) ? BINARY : TEXT);
}

/** Control characters except tab, line feed, form feed, carriage return and escape. */
function isBinary(byte: number): boolean {
  return byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte);
}

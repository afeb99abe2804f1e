import 'server-only';
import zlib from 'node:zlib';

/** Newer than the oldest Node.js we run on. */
const native = (zlib as { crc32?: (bytes: Buffer, sum: number) => number }).crc32;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** The sum of `bytes` after others whose sum is `before`, 0 for none. */
export function crc32(bytes: Buffer, before: number): number {
  return native ? native(bytes, before) : crc32ByTable(bytes, before);
}

/** For a Node.js that has none. */
export function crc32ByTable(bytes: Buffer, before: number): number {
  let sum = ~before;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  return ~sum >>> 0;
}

import 'server-only';
import { once } from 'node:events';
import zlib, { createDeflateRaw, deflateRawSync } from 'node:zlib';
import type { SafeEntry } from './entry';

/**
 * A streaming zip writer. Libraries keep every entry as an object and scan all of them for each new one: `yazl` 3.3.1 took
 * seven minutes and 600 MB for a hundred thousand files.
 */

/** Files up to this size are compressed at once, with the sizes in the header. */
const SMALL_BYTES = 64 * 1024;
/** Most of the compression for little of the time. */
const LEVEL = 4;
const STORED = 0;
const DEFLATED = 8;
/** Limits of the 32-bit and 16-bit fields, beyond which ZIP64 applies. */
const LARGE = 0xffffffff;
const MANY = 0xffff;
/** Flag: UTF-8 names. */
const UTF8 = 0x0800;
/** Flag: sizes and checksum follow the data. */
const DESCRIBED = 0x0008;
const UNIX = 3 << 8;

type Written = {
  name: Buffer;
  flags: number;
  method: number;
  crc: number;
  compressedBytes: number;
  sizeBytes: number;
  offset: number;
  attributes: number;
  modifiedAtMs: number;
};

/** Pulls entries as the output is read. */
export async function* writeZip(entries: AsyncIterable<SafeEntry>): AsyncGenerator<Buffer, void, undefined> {
  const directory = new CentralDirectory();
  let offset = 0;
  for await (const entry of entries) {
    const isFile = entry.kind === 'file';
    const written: Written = {
      name: Buffer.from(isFile ? entry.name : `${entry.name}/`),
      flags: UTF8,
      method: STORED,
      crc: 0,
      compressedBytes: 0,
      sizeBytes: 0,
      offset,
      attributes: attributesOf(entry),
      modifiedAtMs: entry.modifiedAtMs,
    };
    const parts = entry.sizeBytes <= SMALL_BYTES ? writeSmall(entry, written) : writeLarge(entry, written);
    for await (const part of parts) {
      offset += part.length;
      yield part;
    }
    directory.add(written);
  }
  yield* directory.finish(offset);
}

async function* writeSmall({ body, sizeBytes }: SafeEntry, written: Written): AsyncGenerator<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part);
  const plain = Buffer.concat(parts);
  const packed = sizeBytes === 0 ? plain : deflateRawSync(plain, { level: LEVEL });
  const isSmaller = packed.length < plain.length;
  written.method = isSmaller ? DEFLATED : STORED;
  written.crc = crc32(plain, 0);
  written.sizeBytes = plain.length;
  written.compressedBytes = isSmaller ? packed.length : plain.length;
  yield localHeader(written, 0);
  yield isSmaller ? packed : plain;
}

async function* writeLarge({ body, sizeBytes }: SafeEntry, written: Written): AsyncGenerator<Buffer> {
  // Incompressible data grows slightly and could exceed the 32-bit fields.
  const isLarge = sizeBytes > LARGE - 2 ** 24;
  written.flags |= DESCRIBED;
  written.method = DEFLATED;
  yield localHeader(written, isLarge ? 45 : 20);
  for await (const part of deflate(body, written)) {
    written.compressedBytes += part.length;
    yield part;
  }
  const sizes = isLarge
    ? [...uint64(written.compressedBytes), ...uint64(written.sizeBytes)]
    : [...uint32(written.compressedBytes), ...uint32(written.sizeBytes)];
  yield Buffer.from([...uint32(0x08074b50), ...uint32(written.crc), ...sizes]);
}

/** Updates `written` with the checksum and size of the input. */
async function* deflate(body: AsyncIterable<Buffer>, written: Written): AsyncGenerator<Buffer> {
  const packer = createDeflateRaw({ level: LEVEL });
  const feeding = (async () => {
    for await (const part of body) {
      written.crc = crc32(part, written.crc);
      written.sizeBytes += part.length;
      if (!packer.write(part)) await once(packer, 'drain');
    }
    packer.end();
  })();
  feeding.catch((error) => packer.destroy(error));
  try {
    yield* packer;
    await feeding;
  } finally {
    packer.destroy();
  }
}

/** `needed`: the version needed to extract; 0 for the default. */
function localHeader(written: Written, needed: number): Buffer {
  const isDescribed = (written.flags & DESCRIBED) !== 0;
  const isLarge = needed === 45;
  const extra = [...(isLarge ? field(0x0001, [...uint64(0), ...uint64(0)]) : []), ...timeField(written)];
  return Buffer.concat([
    Buffer.from([
      ...uint32(0x04034b50),
      ...uint16(needed || 20),
      ...uint16(written.flags),
      ...uint16(written.method),
      ...dosTime(written.modifiedAtMs),
      ...uint32(isDescribed ? 0 : written.crc),
      ...uint32(isLarge ? LARGE : isDescribed ? 0 : written.compressedBytes),
      ...uint32(isLarge ? LARGE : isDescribed ? 0 : written.sizeBytes),
      ...uint16(written.name.length),
      ...uint16(extra.length),
    ]),
    written.name,
    Buffer.from(extra),
  ]);
}

/** The central directory, kept as encoded bytes in a few large buffers. */
class CentralDirectory {
  readonly #pieces: Buffer[] = [];
  #piece = Buffer.alloc(0);
  #used = 0;
  #count = 0;
  #size = 0;

  add(written: Written): void {
    const record = recordOf(written);
    if (this.#used + record.length > this.#piece.length) {
      this.#pieces.push(this.#piece.subarray(0, this.#used));
      this.#piece = Buffer.allocUnsafe(256 * 1024);
      this.#used = 0;
    }
    this.#used += record.copy(this.#piece, this.#used);
    this.#count += 1;
    this.#size += record.length;
  }

  *finish(offset: number): Generator<Buffer, void, undefined> {
    yield* this.#pieces;
    yield this.#piece.subarray(0, this.#used);
    const isLarge = this.#count >= MANY || offset >= LARGE || this.#size >= LARGE;
    if (isLarge) yield this.#largeEnd(offset);
    yield Buffer.from([
      ...uint32(0x06054b50),
      ...uint32(0),
      ...uint16(Math.min(this.#count, MANY)),
      ...uint16(Math.min(this.#count, MANY)),
      ...uint32(Math.min(this.#size, LARGE)),
      ...uint32(Math.min(offset, LARGE)),
      ...uint16(0),
    ]);
  }

  #largeEnd(offset: number): Buffer {
    return Buffer.from([
      ...uint32(0x06064b50),
      ...uint64(44),
      ...uint16(UNIX | 45),
      ...uint16(45),
      ...uint32(0),
      ...uint32(0),
      ...uint64(this.#count),
      ...uint64(this.#count),
      ...uint64(this.#size),
      ...uint64(offset),
      ...uint32(0x07064b50),
      ...uint32(0),
      ...uint64(offset + this.#size),
      ...uint32(1),
    ]);
  }
}

function recordOf(written: Written): Buffer {
  const { compressedBytes, sizeBytes, offset, name } = written;
  // ZIP64 holds only the values that do not fit, in this order.
  const large = [sizeBytes, compressedBytes, offset].filter((value) => value >= LARGE).flatMap(uint64);
  const extra = [...(large.length > 0 ? field(0x0001, large) : []), ...timeField(written)];
  return Buffer.concat([
    Buffer.from([
      ...uint32(0x02014b50),
      ...uint16(UNIX | 45),
      ...uint16(large.length > 0 ? 45 : 20),
      ...uint16(written.flags),
      ...uint16(written.method),
      ...dosTime(written.modifiedAtMs),
      ...uint32(written.crc),
      ...uint32(Math.min(compressedBytes, LARGE)),
      ...uint32(Math.min(sizeBytes, LARGE)),
      ...uint16(name.length),
      ...uint16(extra.length),
      ...uint16(0),
      ...uint16(0),
      ...uint16(0),
      ...uint32(written.attributes),
      ...uint32(Math.min(offset, LARGE)),
    ]),
    name,
    Buffer.from(extra),
  ]);
}

/** Unix mode, and the DOS directory flag. */
function attributesOf({ kind, isExecutable }: SafeEntry): number {
  if (kind === 'directory') return (0o040755 * 0x10000 + 0x10) >>> 0;
  return ((isExecutable ? 0o100755 : 0o100644) * 0x10000) >>> 0;
}

/**
 * Unix time, which DOS time cannot represent exactly. Programs prefer it, so it is left out where it does not fit: after
 * 2038, and before 1970, which some programs read as after 2038.
 */
function timeField({ modifiedAtMs }: Written): number[] {
  const seconds = Math.floor(modifiedAtMs / 1000);
  return seconds >= 0 && seconds <= 0x7fffffff ? field(0x5455, [1, ...uint32(seconds)]) : [];
}

const MIN_DOS_MS = Date.UTC(1980, 0, 1);
const MAX_DOS_MS = Date.UTC(2107, 11, 31, 23, 59, 58);

/** DOS time: 1980 to 2107, in steps of two seconds. Other times become the nearest end. */
function dosTime(modifiedAtMs: number): number[] {
  const date = new Date(Math.min(Math.max(modifiedAtMs, MIN_DOS_MS), MAX_DOS_MS));
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  return [...uint16(time), ...uint16(day)];
}

function field(id: number, content: number[]): number[] {
  return [...uint16(id), ...uint16(content.length), ...content];
}

function uint16(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

function uint32(value: number): number[] {
  return [...uint16(value & 0xffff), ...uint16(value >>> 16)];
}

function uint64(value: number): number[] {
  return [...uint32((value % 0x100000000) >>> 0), ...uint32(Math.floor(value / 0x100000000))];
}

/** Missing in the oldest supported Node.js. */
const native = (zlib as { crc32?: (bytes: Buffer, sum: number) => number }).crc32;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** Continues the checksum `before` (0 at the start) with `bytes`. */
export function crc32(bytes: Buffer, before: number): number {
  return native ? native(bytes, before) : crc32ByTable(bytes, before);
}

/** The fallback for Node.js without `zlib.crc32`. */
export function crc32ByTable(bytes: Buffer, before: number): number {
  let sum = ~before;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  return ~sum >>> 0;
}

import { ByteReader } from '../byte-reader';
import { type ArchiveEntry, noBytes } from './entry';

/**
 * A streaming tar reader for untrusted input. Existing libraries buffer names and attributes of any length and accept wrong
 * checksums.
 */

/** Invalid or hostile input. */
export class TarError extends Error {
  override readonly name = 'TarError';
}

const BLOCK = 512;
/** The limit for the names and attributes of an entry. A program can nest folders to paths beyond the usual 4096 bytes. */
const MAX_ATTRIBUTE_BYTES = 1024 * 1024;

/** The limit of a `Date`. */
const MAX_TIME_MS = 8.64e15;

/** Attributes that precede the header of an entry. `mtime` in ms. */
type Attributes = {
  path?: string | undefined;
  linkpath?: string | undefined;
  size?: number | undefined;
  mtime?: number | undefined;
};

type Header = {
  type: string;
  name: string;
  linkTarget: string;
  sizeBytes: number;
  mode: number;
  modifiedAtMs: number;
};

const KINDS: Readonly<Record<string, ArchiveEntry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'directory',
};

/**
 * The entries of a tar. The body of an entry must be read before the next entry, or it is skipped.
 * @throws TarError if the input is invalid or incomplete
 */
export async function* readTar(tar: AsyncIterable<Buffer>): AsyncGenerator<ArchiveEntry, void, undefined> {
  const reader = new ByteReader(tar);
  let attributes: Attributes = {};
  try {
    for (;;) {
      const block = await readBlocks(reader, BLOCK);
      if (block === null) throw new TarError('The archive is incomplete.');
      if (isZero(block)) break;
      const header = readHeader(block);
      if ('LKxg'.includes(header.type)) {
        const next = await readAttributes(reader, header);
        // Global attributes are not needed.
        if (header.type !== 'g') attributes = { ...attributes, ...next };
        continue;
      }
      const { entry, skipRest } = readEntry(reader, header, attributes);
      yield entry;
      await skipRest();
      attributes = {};
    }
    // Drains the padding, so that the sender can finish.
    while ((await reader.readSome(BLOCK * 128)) !== null);
  } finally {
    await reader.close();
  }
}

/** Not a generator: the overhead per step counts for a hundred thousand entries. */
function readEntry(
  reader: ByteReader,
  header: Header,
  { path, linkpath, size, mtime }: Attributes,
): { entry: ArchiveEntry; skipRest: () => Promise<void> } {
  const sizeBytes = size ?? header.sizeBytes;
  const isFile = KINDS[header.type] === 'file';
  let left = sizeBytes;
  const readPart = async () => {
    const part = await reader.readSome(left);
    if (part === null) throw new TarError('The archive ends within a file.');
    left -= part.length;
    return part;
  };
  async function* body(): AsyncGenerator<Buffer, void, undefined> {
    while (left > 0) yield await readPart();
  }
  const name = path ?? header.name;
  const entry: ArchiveEntry = {
    path: name.split('/'),
    kind: name.endsWith('/') && isFile ? 'directory' : (KINDS[header.type] ?? 'other'),
    sizeBytes: isFile ? sizeBytes : 0,
    mode: header.mode & 0o777,
    modifiedAtMs: mtime ?? header.modifiedAtMs,
    linkTarget: linkpath ?? header.linkTarget,
    body: isFile && sizeBytes > 0 ? body() : noBytes(),
  };
  const skipRest = async () => {
    while (left > 0) await readPart();
    await skip(reader, paddingOf(sizeBytes));
  };
  return { entry, skipRest };
}

/** GNU stores a long name directly, POSIX as lines of `LENGTH KEY=VALUE`. */
async function readAttributes(reader: ByteReader, { type, sizeBytes }: Header): Promise<Attributes> {
  if (sizeBytes > MAX_ATTRIBUTE_BYTES) throw new TarError('The attributes of an entry are too long.');
  const bytes = sizeBytes === 0 ? Buffer.alloc(0) : await readBlocks(reader, sizeBytes);
  if (bytes === null) throw new TarError('The archive is incomplete.');
  await skip(reader, paddingOf(sizeBytes));
  if (type === 'L') return { path: textOf(bytes) };
  if (type === 'K') return { linkpath: textOf(bytes) };
  return readPax(bytes);
}

function readPax(bytes: Buffer): Attributes {
  const attributes: Attributes = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = decimalOf(bytes.toString('latin1', at, Math.max(at, space)));
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > bytes.length) {
      throw new TarError('The attributes of an entry are invalid.');
    }
    const [, key, value = ''] =
      /^([^=]*)=([\s\S]*)$/.exec(bytes.toString('utf8', space + 1, at + length - 1)) ?? [];
    if (key === 'path' || key === 'linkpath') attributes[key] = value.replaceAll('\0', '');
    if (key === 'size') attributes.size = sizeOf(decimalOf(value));
    if (key === 'mtime') attributes.mtime = timeOf(decimalOf(value));
    at += length;
  }
  return attributes;
}

/** A decimal number as pax writes it. `NaN` for anything else that JavaScript would read. */
function decimalOf(text: string): number {
  return /^-?\d+(?:\.\d*)?$/.test(text) ? Number(text) : Number.NaN;
}

function readHeader(block: Buffer): Header {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  if (sum !== numberOf(block.subarray(148, 156))) throw new TarError('This is not a tar archive.');
  // The GNU format has other fields in place of the POSIX prefix.
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textOf(block.subarray(345, 500)) : '';
  const name = textOf(block.subarray(0, 100));
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkTarget: textOf(block.subarray(157, 257)),
    sizeBytes: sizeOf(numberOf(block.subarray(124, 136))),
    mode: numberOf(block.subarray(100, 108)),
    modifiedAtMs: timeOf(numberOf(block.subarray(136, 148))) ?? 0,
  };
}

/** Octal digits, or a signed binary number if the first bit is set. `NaN` if it is neither. */
function numberOf(field: Buffer): number {
  const first = field[0] ?? 0;
  if ((first & 0x80) === 0) return Number.parseInt(textOf(field).trim() || '0', 8);
  // The first bit marks the format, and the second is the sign.
  let value = (first & 0x7f) - ((first & 0x40) === 0 ? 0 : 0x80);
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  return value;
}

/** Milliseconds within the range of a `Date`. `undefined` if it is not a number. */
function timeOf(seconds: number): number | undefined {
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(Math.max(seconds * 1000, -MAX_TIME_MS), MAX_TIME_MS);
}

function sizeOf(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TarError('The size of an entry is invalid.');
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

const paddingOf = (sizeBytes: number) => (BLOCK - (sizeBytes % BLOCK)) % BLOCK;

async function skip(reader: ByteReader, count: number): Promise<void> {
  if (count > 0 && (await readBlocks(reader, count)) === null) {
    throw new TarError('The archive is incomplete.');
  }
}

async function readBlocks(reader: ByteReader, count: number): Promise<Buffer | null> {
  try {
    return await reader.read(count);
  } catch (thrown) {
    throw new TarError('The archive is incomplete.', { cause: thrown });
  }
}

import { ByteReader } from '../byte-reader';
import { type ArchiveEntry, noBytes } from './entry';

/**
 * Reads a tar as a stream. Written here because the sandbox makes the tar: known readers hold a name or a list of
 * attributes of any length in memory, and believe a header whose sum is wrong.
 */

/** What is no tar, or none that anybody means well with. */
export class TarError extends Error {
  override readonly name = 'TarError';
}

const BLOCK = 512;
/** Names and attributes of one entry; a path has at most 4096 bytes. */
const MAX_ATTRIBUTE_BYTES = 64 * 1024;

/** What is said of the next entry before its own header. */
type Attributes = { path?: string | undefined; linkpath?: string | undefined; size?: number; mtime?: number };

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
 * The entries of a tar, each with its bytes, which must be read before the next entry or are skipped then.
 * @throws TarError for what is no tar, or ends before its end
 */
export async function* readTar(tar: AsyncIterable<Buffer>): AsyncGenerator<ArchiveEntry, void, undefined> {
  const reader = new ByteReader(tar);
  let attributes: Attributes = {};
  try {
    for (;;) {
      const block = await readBlocks(reader, BLOCK);
      if (block === null) throw new TarError('The archive ends before its end.');
      if (isZero(block)) break;
      const header = readHeader(block);
      if ('LKxg'.includes(header.type)) {
        const said = await readAttributes(reader, header);
        // What is said of all entries is nothing that matters here.
        if (header.type !== 'g') attributes = { ...attributes, ...said };
        continue;
      }
      const { entry, skipRest } = readEntry(reader, header, attributes);
      yield entry;
      await skipRest();
      attributes = {};
    }
    // Whatever comes now is padding; its sender must get to its end.
    while ((await reader.readSome(BLOCK * 128)) !== null);
  } finally {
    await reader.close();
  }
}

/** No generator of its own: of a hundred thousand entries each step on the way is felt. */
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
    if (part === null) throw new TarError('The archive ends in the middle of a file.');
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

/** GNU's long names are the name itself; those of POSIX are lines `LENGTH KEY=VALUE`. */
async function readAttributes(reader: ByteReader, { type, sizeBytes }: Header): Promise<Attributes> {
  if (sizeBytes > MAX_ATTRIBUTE_BYTES) throw new TarError('The attributes of an entry are too long.');
  const bytes = sizeBytes === 0 ? Buffer.alloc(0) : await readBlocks(reader, sizeBytes);
  if (bytes === null) throw new TarError('The archive ends before its end.');
  await skip(reader, paddingOf(sizeBytes));
  if (type === 'L') return { path: textOf(bytes) };
  if (type === 'K') return { linkpath: textOf(bytes) };
  return readPax(bytes);
}

function readPax(bytes: Buffer): Attributes {
  const attributes: Attributes = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, Math.max(at, space)));
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > bytes.length) {
      throw new TarError('The attributes of an entry cannot be read.');
    }
    const [, key, value = ''] =
      /^([^=]*)=([\s\S]*)$/.exec(bytes.toString('utf8', space + 1, at + length - 1)) ?? [];
    if (key === 'path' || key === 'linkpath') attributes[key] = value.replaceAll('\0', '');
    if (key === 'size') attributes.size = sizeOf(Number(value));
    if (key === 'mtime' && Number.isFinite(Number(value))) attributes.mtime = Number(value) * 1000;
    at += length;
  }
  return attributes;
}

function readHeader(block: Buffer): Header {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  if (sum !== numberOf(block.subarray(148, 156))) throw new TarError('This is no archive.');
  // GNU's own format keeps other things where POSIX keeps the beginning of a long path.
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textOf(block.subarray(345, 500)) : '';
  const name = textOf(block.subarray(0, 100));
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkTarget: textOf(block.subarray(157, 257)),
    sizeBytes: sizeOf(numberOf(block.subarray(124, 136))),
    mode: numberOf(block.subarray(100, 108)),
    modifiedAtMs: numberOf(block.subarray(136, 148)) * 1000,
  };
}

/** Octal digits, or a binary number where the first bit is set. */
function numberOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(textOf(field).trim() || '0', 8);
  let value = (field[0] ?? 0) & 0x7f;
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  return value;
}

function sizeOf(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TarError('An entry of the archive has no size.');
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
    throw new TarError('The archive ends before its end.');
  }
}

async function readBlocks(reader: ByteReader, count: number): Promise<Buffer | null> {
  try {
    return await reader.read(count);
  } catch (thrown) {
    throw new TarError('The archive ends before its end.', { cause: thrown });
  }
}

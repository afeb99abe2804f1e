import type { SafeEntry } from './entry';

/** A streaming tar writer: POSIX, with pax headers for long names, large sizes, and times outside 1970 to 2242. */

const BLOCK = 512;
const NAME_BYTES = 100;
/** The maximum of eleven octal digits. */
const MAX_PLAIN = 8 ** 11 - 1;
const END = Buffer.alloc(2 * BLOCK);

/** Pulls entries as the output is read. */
export async function* writeTar(entries: AsyncIterable<SafeEntry>): AsyncGenerator<Buffer, void, undefined> {
  for await (const entry of entries) {
    yield* headersOf(entry);
    if (entry.sizeBytes === 0) continue;
    yield* entry.body;
    yield paddingOf(entry.sizeBytes);
  }
  yield END;
}

function paddingOf(sizeBytes: number): Buffer {
  return END.subarray(0, (BLOCK - (sizeBytes % BLOCK)) % BLOCK);
}

function* headersOf(entry: SafeEntry): Generator<Buffer, void, undefined> {
  const name = entry.kind === 'directory' ? `${entry.name}/` : entry.name;
  const isPlain = /^[\x20-\x7e]*$/.test(name) && name.length <= NAME_BYTES;
  const seconds = Math.floor(entry.modifiedAtMs / 1000);
  const attributes = [
    ...(isPlain ? [] : [attribute('path', name)]),
    ...(isPlainNumber(entry.sizeBytes) ? [] : [attribute('size', String(entry.sizeBytes))]),
    ...(isPlainNumber(seconds) ? [] : [attribute('mtime', String(seconds))]),
  ];
  if (attributes.length > 0) {
    const body = Buffer.concat(attributes);
    yield header({ name: 'pax', type: 'x', sizeBytes: body.length, mode: 0o644, seconds: 0 });
    yield Buffer.concat([body, paddingOf(body.length)]);
  }
  yield header({
    name: isPlain ? name : 'long-name',
    type: entry.kind === 'directory' ? '5' : '0',
    sizeBytes: entry.sizeBytes,
    mode: entry.kind === 'directory' || entry.isExecutable ? 0o755 : 0o644,
    seconds,
  });
}

function isPlainNumber(value: number): boolean {
  return value >= 0 && value <= MAX_PLAIN;
}

type Fields = { name: string; type: string; sizeBytes: number; mode: number; seconds: number };

function header({ name, type, sizeBytes, mode, seconds }: Fields): Buffer {
  // From the shared pool, to avoid fragmentation with a hundred thousand entries.
  const block = Buffer.allocUnsafe(BLOCK).fill(0);
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, '0'), at, digits, 'latin1');
  block.write(name, 0, NAME_BYTES, 'latin1');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(isPlainNumber(sizeBytes) ? sizeBytes : 0, 124, 11);
  octal(Math.min(Math.max(0, seconds), MAX_PLAIN), 136, 11);
  block.write('        ', 148, 'latin1');
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  octal(sum, 148, 6);
  block.write('\0 ', 154, 'latin1');
  return block;
}

/** `LENGTH KEY=VALUE\n`. The length includes its own digits. */
function attribute(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

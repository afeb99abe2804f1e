import { type Entry, type FileHit, GuestPath } from '../schema';

/** What a searching program writes, as findings. It is the sandbox's program: nothing is believed to end. */
export type SearchFormat = (
  output: AsyncIterable<Buffer>,
  text: string,
) => AsyncGenerator<FileHit, void, undefined>;

/** More than a path, or a line that anybody reads, has. */
const MAX_PART_BYTES = 64 * 1024;
/** How much of a long line is shown around what was found, characters. */
const BEFORE_CHARS = 80;
const SHOWN_CHARS = 300;

const NUL = 0;
const COLON = 0x3a;
const NEWLINE = 0x0a;

const KINDS: Readonly<Record<string, Entry['kind']>> = {
  f: 'file',
  d: 'directory',
  l: 'link',
  p: 'fifo',
  s: 'socket',
  b: 'device',
  c: 'device',
};

/** Paths that each end in a NUL, after a letter for the kind where `saysKind`. */
export function readFound({ saysKind }: { saysKind: boolean }): SearchFormat {
  return async function* found(output) {
    for await (const { text } of readParts(output, () => NUL)) {
      const hit = hitAt(saysKind ? text.slice(1) : text, KINDS[saysKind ? text.charAt(0) : ''] ?? 'other');
      if (hit) yield hit;
    }
  };
}

/** `path NUL line : text NEWLINE`, over and over. */
export const readFindings: SearchFormat = async function* findings(output, wanted) {
  const ends = [NUL, COLON, NEWLINE];
  let index = 0;
  let path = '';
  let line = 0;
  for await (const { text } of readParts(output, () => ends[index] ?? NUL)) {
    if (index === 0) path = text;
    if (index === 1) line = Number(text);
    if (index === 2) {
      const hit = hitAt(path, 'file');
      if (hit) yield { ...hit, line: Number.isSafeInteger(line) ? line : null, text: around(text, wanted) };
    }
    index = (index + 1) % ends.length;
  }
};

function hitAt(path: string, kind: Entry['kind']): FileHit | null {
  if (!GuestPath.safeParse(path).success) return null;
  return { type: 'hit', path, kind, line: null, text: null, isAddressable: !path.includes('\uFFFD') };
}

/** The part of a line that shows what was found. */
function around(line: string, wanted: string): string {
  if (line.length <= SHOWN_CHARS) return line;
  const at = Math.max(0, line.toLowerCase().indexOf(wanted.toLowerCase()));
  const from = Math.max(0, Math.min(at - BEFORE_CHARS, line.length - SHOWN_CHARS));
  const shown = line.slice(from, from + SHOWN_CHARS);
  return `${from > 0 ? '…' : ''}${shown}${from + SHOWN_CHARS < line.length ? '…' : ''}`;
}

/**
 * What lies between ends, which are asked for anew after each part. A part that is too long loses the rest of it. What
 * comes after the last end is dropped: it was cut off.
 */
async function* readParts(
  output: AsyncIterable<Buffer>,
  endOf: () => number,
): AsyncGenerator<{ text: string }, void, undefined> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of output) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(endOf(), from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (size < MAX_PART_BYTES) held.push(part);
      size += part.length;
      if (end < 0) break;
      yield { text: Buffer.concat(held).subarray(0, MAX_PART_BYTES).toString('utf8') };
      held = [];
      size = 0;
      from = end + 1;
    }
  }
}

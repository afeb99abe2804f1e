import { type Entry, type FileHit, GuestPath } from '../schema';

/** Parses the output of a search program. The program is the sandbox's, so its output is untrusted and may not end. */
export type SearchFormat = (
  output: AsyncIterable<Buffer>,
  text: string,
) => AsyncGenerator<FileHit, void, undefined>;

const MAX_PART_BYTES = 64 * 1024;
/** The excerpt of a long line around a match, characters. */
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

/** NUL-terminated paths, each after a letter for its kind if `hasKind`. */
export function parsePaths({ hasKind }: { hasKind: boolean }): SearchFormat {
  return async function* paths(output) {
    for await (const { text } of readParts(output, () => NUL)) {
      const hit = hitAt(hasKind ? text.slice(1) : text, KINDS[hasKind ? text.charAt(0) : ''] ?? 'other');
      if (hit) yield hit;
    }
  };
}

/** Records of `path NUL line : text NEWLINE`. */
export const parseMatches: SearchFormat = async function* matches(output, query) {
  const ends = [NUL, COLON, NEWLINE];
  let index = 0;
  let path = '';
  let line = 0;
  for await (const { text } of readParts(output, () => ends[index] ?? NUL)) {
    if (index === 0) path = text;
    if (index === 1) line = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (index === 2) {
      const hit = hitAt(path, 'file');
      if (hit) yield { ...hit, line: Number.isSafeInteger(line) ? line : null, text: excerptOf(text, query) };
    }
    index = (index + 1) % ends.length;
  }
};

/** Records of `path NUL count NEWLINE`. */
export async function* parseCounts(
  output: AsyncIterable<Buffer>,
): AsyncGenerator<{ path: string; matches: number }, void, undefined> {
  let path: string | null = null;
  for await (const { text } of readParts(output, () => (path === null ? NUL : NEWLINE))) {
    if (path === null) path = text;
    else {
      if (/^\d{1,15}$/.test(text)) yield { path, matches: Number(text) };
      path = null;
    }
  }
}

function hitAt(path: string, kind: Entry['kind']): FileHit | null {
  if (!GuestPath.safeParse(path).success) return null;
  return { type: 'hit', path, kind, line: null, text: null, isAddressable: !path.includes('\uFFFD') };
}

function excerptOf(line: string, query: string): string {
  if (line.length <= SHOWN_CHARS) return line;
  const at = Math.max(0, line.toLowerCase().indexOf(query.toLowerCase()));
  const from = Math.max(0, Math.min(at - BEFORE_CHARS, line.length - SHOWN_CHARS));
  const shown = line.slice(from, from + SHOWN_CHARS);
  return `${from > 0 ? '…' : ''}${shown}${from + SHOWN_CHARS < line.length ? '…' : ''}`;
}

/**
 * Splits the output at terminators; `endOf` gives the next one. Truncates a part that is too long, and drops text after the
 * last terminator as incomplete.
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

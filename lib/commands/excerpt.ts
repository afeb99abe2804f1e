import type { Excerpt } from './schema';

const MAX_LINES = 3;
const MAX_CHARS = 300;

/** The first lines of an output on one line. */
export type Preview = {
  name: 'stdout' | 'stderr';
  lines: string[];
  /** The bytes of this output that are not shown. White space at its end does not count. */
  leftOutBytes: number;
};

/** The preview of stdout, or of stderr if nothing else was written. `null`: no output. */
export function previewOf(excerpt: Excerpt): Preview | null {
  const name = excerpt.stdout.trim() === '' && excerpt.stderrBytes > 0 ? 'stderr' : 'stdout';
  const text = excerpt[name];
  const totalBytes = excerpt[`${name}Bytes`];
  if (totalBytes === 0) return null;
  const skipped = text.length - text.trimStart().length;
  const all = text.slice(skipped).split('\n');
  const kept = all.slice(0, MAX_LINES).join('\n').slice(0, MAX_CHARS);
  const shown = isHalfCharacter(kept) ? kept.slice(0, -1) : kept;
  const end = skipped + shown.length;
  const isWhole = text.slice(end).trim() === '' && sizeOf(text) >= totalBytes;
  return {
    name,
    lines: shown.trimEnd().split('\n'),
    leftOutBytes: isWhole ? 0 : Math.max(0, totalBytes - sizeOf(text.slice(0, end))),
  };
}

function isHalfCharacter(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00;
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

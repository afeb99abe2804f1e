import type { Metadata } from '@/lib/sandbox/schema';
import { visibleText } from '@/lib/visible-text';

export type MetadataEntry = readonly [key: string, value: string];

// Estimates from the monospaced 11 px of a chip, so that no row reads the layout. A chip that is a little too wide shrinks.
const CHAR_PX = 7;
const WIDE_CHAR_PX = 11;
const FRAME_PX = 14;
const GAP_PX = 6;
const MAX_CHIP_PX = 240;
/** A chip is worth showing cut if this much of it is visible. */
const MIN_CHIP_PX = 96;
/** No more can be visible in a chip. */
const MAX_CHARS = Math.ceil(MAX_CHIP_PX / CHAR_PX);

/** The keys that have the same value in all of several sandboxes, and so tell none apart. */
export function sharedKeys(all: readonly Metadata[]): ReadonlySet<string> {
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) return new Set();
  const isShared = (key: string) =>
    others.every((other) => Object.hasOwn(other, key) && other[key] === first[key]);
  return new Set(Object.keys(first).filter(isShared));
}

/** How many of the chips fit in `widthPx`, beside the button that counts the rest. At least one. */
export function fitChips(entries: readonly MetadataEntry[], widthPx: number): number {
  let leftPx = widthPx;
  for (const [at, entry] of entries.entries()) {
    const rest = entries.length - at - 1;
    const roomPx = leftPx - (rest === 0 ? 0 : GAP_PX + moreWidth(rest));
    const chipPx = chipWidth(entry);
    if (chipPx > roomPx) return Math.max(1, at + (roomPx >= MIN_CHIP_PX ? 1 : 0));
    leftPx -= chipPx + GAP_PX;
  }
  return entries.length;
}

function moreWidth(count: number): number {
  return 4 + 7 * (1 + String(count).length);
}

function chipWidth([key, value]: MetadataEntry): number {
  const text = `${shown(key)}=${shown(value)}`;
  let px = FRAME_PX;
  for (const char of text) px += isWide(char) ? WIDE_CHAR_PX : CHAR_PX;
  return Math.min(MAX_CHIP_PX, px);
}

function shown(text: string): string {
  return visibleText(text.slice(0, MAX_CHARS));
}

/** Whether a character may take more than one cell: Chinese, Japanese, Korean, symbols, emoji. */
function isWide(char: string): boolean {
  return (char.codePointAt(0) ?? 0) >= 0x1100;
}

const MAX_NAMED = 12;
const MAX_NAMED_CHARS = 60;

/** The accessible name of the button that counts the rest, such as `+2 more: owner=ana, run=7`. */
export function nameRest(rest: readonly MetadataEntry[]): string {
  const named = rest.slice(0, MAX_NAMED).map(([key, value]) => shorten(`${key}=${value}`));
  const unnamed = rest.length - named.length;
  return `+${rest.length} more: ${named.join(', ')}${unnamed > 0 ? ` and ${unnamed} others` : ''}`;
}

function shorten(text: string): string {
  return visibleText(text.length > MAX_NAMED_CHARS ? `${text.slice(0, MAX_NAMED_CHARS)}…` : text);
}

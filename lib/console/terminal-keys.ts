/** What keys send to a shell, for screens without a keyboard. */

export const TOUCH_KEYS = ['escape', 'tab', 'up', 'down', 'left', 'right'] as const;
export type TouchKey = (typeof TOUCH_KEYS)[number];

const ARROWS: Readonly<Partial<Record<TouchKey, string>>> = { up: 'A', down: 'B', right: 'C', left: 'D' };

/** The input that a key sends. `isApplication`: the program has asked for application cursor keys. */
export function inputOfKey(
  key: TouchKey,
  { isCtrl, isApplication }: { isCtrl: boolean; isApplication: boolean },
): string {
  const arrow = ARROWS[key];
  if (arrow === undefined) return key === 'tab' ? '\t' : '\x1b';
  if (isCtrl) return `\x1b[1;5${arrow}`;
  return `\x1b${isApplication ? 'O' : '['}${arrow}`;
}

/** The control character of one typed character, for example 0x03 for “c”. Other input is returned unchanged. */
export function withCtrl(text: string): string {
  if (text === ' ') return '\0';
  if (text === '?') return '\x7f';
  if (!/^[@-_a-z]$/.test(text)) return text;
  return String.fromCharCode(text.toUpperCase().charCodeAt(0) & 0x1f);
}

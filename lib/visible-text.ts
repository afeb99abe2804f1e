/** A part of a text: plain text, or a visible sign for one invisible character. */
export type TextPart = {
  text: string;
  /** The character, such as `U+202E, right-to-left override`. `null` for plain text. */
  standsFor: string | null;
};

/** Characters that are invisible, reorder text or break lines. */
const SIGNS: Readonly<Record<number, readonly [sign: string, name: string]>> = {
  9: ['⇥', 'tab'],
  10: ['⏎', 'line feed'],
  13: ['␍', 'carriage return'],
  27: ['␛', 'escape'],
  127: ['␡', 'delete'],
  133: ['⏎', 'next line'],
  160: ['␣', 'no-break space'],
  173: ['[SHY]', 'soft hyphen'],
  1564: ['[ALM]', 'Arabic letter mark'],
  8203: ['[ZWSP]', 'zero width space'],
  8204: ['[ZWNJ]', 'zero width non-joiner'],
  8205: ['[ZWJ]', 'zero width joiner'],
  8206: ['[LRM]', 'left-to-right mark'],
  8207: ['[RLM]', 'right-to-left mark'],
  8232: ['⏎', 'line separator'],
  8233: ['⏎', 'paragraph separator'],
  8234: ['[LRE]', 'left-to-right embedding'],
  8235: ['[RLE]', 'right-to-left embedding'],
  8236: ['[PDF]', 'pop directional formatting'],
  8237: ['[LRO]', 'left-to-right override'],
  8238: ['[RLO]', 'right-to-left override'],
  8288: ['[WJ]', 'word joiner'],
  8294: ['[LRI]', 'left-to-right isolate'],
  8295: ['[RLI]', 'right-to-left isolate'],
  8296: ['[FSI]', 'first strong isolate'],
  8297: ['[PDI]', 'pop directional isolate'],
  65279: ['[BOM]', 'zero width no-break space'],
  65533: ['�', 'bytes that are not UTF-8'],
};

/** Joiners and variation selectors inside an emoji are legitimate. */
const IN_EMOJI = String.raw`(?<=\p{ExtPict}[\u{1F3FB}-\u{1F3FF}]?|[0-9#*](?=\uFE0F\u20E3))\uFE0F|(?<=\p{ExtPict}[\uFE0F\u{1F3FB}-\u{1F3FF}]?)\u200D(?=\p{ExtPict})`;
const UNSEEN = String.raw`[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}\uFFFD]`;
const ODD_SPACE = String.raw`(?! )\p{Zs}|^ | $|(?<=^ *) | (?= *$)`;

/** Characters without a shape of their own, for text of several lines. */
export const INVISIBLE_CHARACTERS = new RegExp(`(?![\\t\\n])(?!${IN_EMOJI})${UNSEEN}`, 'gu');

/** `line`: one line, such as a name. `block`: text of several lines, which keeps its line breaks, tabs and spaces. */
export type TextShape = 'line' | 'block';

const ODD = {
  line: new RegExp(`(?!${IN_EMOJI})(?:${UNSEEN}|${ODD_SPACE})`, 'gu'),
  block: INVISIBLE_CHARACTERS,
} satisfies Record<TextShape, RegExp>;

/** The fast path: most names in a large list are plain ASCII. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

/**
 * Splits untrusted text into parts, with every invisible or misleading character as a visible sign. `\r\n` in a block is
 * a line break.
 */
export function visibleParts(text: string, shape: TextShape = 'line'): TextPart[] {
  if (PLAIN.test(text)) return [{ text, standsFor: null }];
  const whole = shape === 'block' ? text.replaceAll('\r\n', '\n') : text;
  const parts: TextPart[] = [];
  let end = 0;
  for (const { 0: found, index } of whole.matchAll(ODD[shape])) {
    if (index > end) parts.push({ text: whole.slice(end, index), standsFor: null });
    parts.push(signFor(found));
    end = index + found.length;
  }
  if (end < whole.length) parts.push({ text: whole.slice(end), standsFor: null });
  return parts;
}

/** `visibleParts` as plain text, for tooltips, accessible names, titles and toasts. */
export function visibleText(text: string, shape: TextShape = 'line'): string {
  return visibleParts(text, shape)
    .map((part) => part.text)
    .join('');
}

function signFor(character: string): TextPart {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  const [sign, called] = SIGNS[code] ?? [];
  if (sign !== undefined) return { text: sign, standsFor: `U+${hex}, ${called}` };
  if (/\p{Zs}/u.test(character)) return { text: '␣', standsFor: `U+${hex}, space` };
  if (code < 32)
    return { text: String.fromCodePoint(0x2400 + code), standsFor: `U+${hex}, control character` };
  if (code < 160) return { text: `[${hex.slice(-2)}]`, standsFor: `U+${hex}, control character` };
  return { text: `[${hex}]`, standsFor: `U+${hex}, invisible character` };
}

const MAX_UNSPLIT_CHARS = 16;
const CHARS_BEFORE_EXTENSION = 4;
const EXTENSION = /(?:\.tar)?\.[^.\s]{1,11}$/;
const graphemes = new Intl.Segmenter('en');
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]|\uD802|\uD803|\uD83A|\uD83B/;

/**
 * Splits a long name so that the head can be truncated while the tail stays visible. The tail is empty for a short name,
 * and for right-to-left text, which a split would garble.
 */
export function splitName(name: string): [head: string, tail: string] {
  if (name.length <= MAX_UNSPLIT_CHARS || RIGHT_TO_LEFT.test(name)) return [name, ''];
  const extension = EXTENSION.exec(name)?.[0] ?? '';
  const wanted = name.length - extension.length - CHARS_BEFORE_EXTENSION;
  // Never splits a grapheme, nor next to a space, which would look like a leading or trailing one.
  let at = wanted <= 0 ? 0 : (graphemes.segment(name).containing(wanted)?.index ?? 0);
  while (at > 0 && name.slice(at - 1, at + 1).includes(' ')) {
    at = graphemes.segment(name).containing(at - 1)?.index ?? 0;
  }
  return at === 0 ? [name, ''] : [name.slice(0, at), name.slice(at)];
}

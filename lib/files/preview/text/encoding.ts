/** `windows-1252` is the fallback for text that is not Unicode. */
export type Encoding = 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'windows-1252';

const MAX_CONTROL_SHARE = 0.1;

/** Detects the encoding, or `null` for binary data. Unless `isWhole`, an incomplete character at the end is valid. */
export function detectEncoding(bytes: Uint8Array, { isWhole }: { isWhole: boolean }): Encoding | null {
  if (startsWith(bytes, [0xef, 0xbb, 0xbf])) return 'utf-8-bom';
  if (startsWith(bytes, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(bytes, [0xfe, 0xff])) return 'utf-16be';
  if (bytes.includes(0)) return null;
  if (shareOfControls(bytes) > MAX_CONTROL_SHARE) return null;
  return isUtf8(bytes, isWhole) ? 'utf-8' : 'windows-1252';
}

/** A decoder that never throws: invalid bytes become U+FFFD. `keepsMark`: do not drop a byte order mark at the start. */
export function newDecoder(encoding: Encoding, { keepsMark = false } = {}): TextDecoder {
  // Windows-1252 has no byte order mark, but Node.js 20 would drop a leading ÿ with `ignoreBOM`.
  const ignoreBOM = keepsMark && encoding !== 'windows-1252';
  return new TextDecoder(encoding === 'utf-8-bom' ? 'utf-8' : encoding, { ignoreBOM });
}

export const ENCODING_NAMES = {
  'utf-8': 'UTF-8',
  'utf-8-bom': 'UTF-8 with BOM',
  'utf-16le': 'UTF-16 LE',
  'utf-16be': 'UTF-16 BE',
  'windows-1252': 'Windows-1252',
} satisfies Record<Encoding, string>;

function isUtf8(bytes: Uint8Array, isWhole: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole });
    return true;
  } catch {
    return false;
  }
}

/** The share of control bytes, except tab, line ends, form feed, backspace and escape. */
function shareOfControls(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  let controls = 0;
  for (const byte of bytes)
    if (byte === 127 || byte < 8 || byte === 11 || (byte > 13 && byte < 32 && byte !== 27)) controls += 1;
  return controls / bytes.length;
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, at) => bytes[at] === byte);
}

export const HEX_COLUMNS = 16;

/** A line of a hex dump: hex digits in two groups, and printable ASCII. */
export function hexLine(bytes: Uint8Array): { hex: string; ascii: string } {
  let hex = '';
  let ascii = '';
  for (let at = 0; at < HEX_COLUMNS; at += 1) {
    const byte = bytes[at];
    if (at > 0) hex += at % 8 === 0 ? '  ' : ' ';
    hex += byte === undefined ? '  ' : byte.toString(16).padStart(2, '0');
    if (byte !== undefined) ascii += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
  }
  return { hex, ascii };
}

/** A hex offset, as wide as the last one of the file and at least eight digits. */
export function hexOffset(offset: number, sizeBytes: number): string {
  return offset.toString(16).padStart(Math.max(8, sizeBytes.toString(16).length), '0');
}

/** Parses `0x1f`, `1f00h` or `4,096`. `null` if invalid. */
export function parseOffset(text: string): number | null {
  const plain = text
    .trim()
    .replaceAll(/[,_\s]/g, '')
    .toLowerCase();
  const hex = /^(?:0x([\da-f]{1,13})|([\da-f]{1,13})h)$/.exec(plain);
  if (hex) return Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
  return /^\d{1,15}$/.test(plain) ? Number(plain) : null;
}

/** Maps scroll positions to lines, in proportion if the list is taller than a browser can scroll. */
export class ScaledScroll {
  readonly heightPx: number;

  constructor(
    readonly lines: number,
    readonly linePx: number,
    readonly maxPx = 8_000_000,
  ) {
    // One extra line, so that the last line is fully visible at any window height.
    this.heightPx = Math.min((lines + 1) * linePx, maxPx);
  }

  get isScaled(): boolean {
    return this.heightPx < (this.lines + 1) * this.linePx;
  }

  /** The top line when scrolled to the end. */
  lastTop(windowPx: number): number {
    return Math.max(0, this.lines - Math.floor(windowPx / this.linePx));
  }

  lineAt(scrollTop: number, windowPx: number): number {
    const range = this.heightPx - windowPx;
    if (!this.isScaled) return Math.min(Math.floor(scrollTop / this.linePx), this.lastTop(windowPx));
    return Math.round((Math.min(scrollTop, range) / range) * this.lastTop(windowPx));
  }

  scrollTopOf(line: number, windowPx: number): number {
    if (!this.isScaled) return line * this.linePx;
    return (line / Math.max(1, this.lastTop(windowPx))) * (this.heightPx - windowPx);
  }
}

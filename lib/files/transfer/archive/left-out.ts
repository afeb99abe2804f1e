import 'server-only';

const MAX_LINES = 10_000;
const MAX_CHARS = 5_000;

/** The note about missing entries. The lines come from the sandbox and are untrusted. */
export class LeftOut {
  readonly #lines: string[] = [];
  count = 0;

  add(line: string): void {
    this.count += 1;
    if (this.#lines.length < MAX_LINES) this.#lines.push(oneLine(line));
  }

  toText(): Buffer {
    const more = this.count - this.#lines.length;
    const lines = [
      'Left out of this archive: links, devices, and files that could not be read.',
      '',
      ...this.#lines,
      ...(more > 0 ? [`… and ${more} more`] : []),
      '',
    ];
    return Buffer.from(lines.join('\n'));
  }
}

/** Replaces line breaks and invisible characters. */
function oneLine(line: string): string {
  return line.slice(0, MAX_CHARS).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\uFFFD');
}

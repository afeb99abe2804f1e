import 'server-only';

const MAX_LINES = 10_000;
const MAX_CHARS = 5_000;

/** What an archive does not hold, for people who wonder. All of it was said by a sandbox. */
export class LeftOut {
  readonly #lines: string[] = [];
  count = 0;

  add(words: string): void {
    this.count += 1;
    if (this.#lines.length < MAX_LINES) this.#lines.push(oneLine(words));
  }

  toText(): Buffer {
    const more = this.count - this.#lines.length;
    const lines = [
      'Not in this archive, because they are links, devices and the like, or could not be read:',
      '',
      ...this.#lines,
      ...(more > 0 ? [`… and ${more} more`] : []),
      '',
    ];
    return Buffer.from(lines.join('\n'));
  }
}

/** On one line, with nothing that hides or turns around parts of it. */
function oneLine(words: string): string {
  return words.slice(0, MAX_CHARS).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\uFFFD');
}

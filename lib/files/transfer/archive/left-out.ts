import 'server-only';

const MAX_LINES = 10_000;
const MAX_CHARS = 5_000;
const MAX_FAULT_CHARS = 160;

/** The note about missing entries. The lines come from the sandbox and are untrusted. */
export class LeftOut {
  readonly #lines: string[] = [];
  #fault: string | null = null;
  count = 0;

  /** `isFault`: neither the kind nor the permissions of the entry explain why it is missing. */
  add(line: string, { isFault = false } = {}): void {
    this.count += 1;
    const shown = oneLine(line);
    if (isFault) this.#fault ??= shown.length > MAX_FAULT_CHARS ? `…${shown.slice(-MAX_FAULT_CHARS)}` : shown;
    if (this.#lines.length < MAX_LINES) this.#lines.push(shown);
  }

  /** The first fault, cut to its end, which holds the reason. */
  get fault(): string | null {
    return this.#fault;
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

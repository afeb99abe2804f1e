import 'server-only';
import type { Envd } from './envd';
import type { GuestCommand, ProcessEvent } from './guest-processes';

/** How long ending a program may take that nobody reads any more, ms. */
const KILL_MS = 5_000;
const MAX_WORDS_BYTES = 16 * 1024;

/**
 * Runs a program in a sandbox as long as it is read, at most `lifeMs`: leaving early ends it.
 * @throws SandkeeperError `invalid` where there is no such program
 */
export async function* followCommand(
  envd: Envd,
  command: GuestCommand,
  lifeMs: number,
  signal: AbortSignal,
): AsyncGenerator<ProcessEvent, void, undefined> {
  let pid: number | null = null;
  try {
    for await (const event of envd.run(command, lifeMs, signal)) {
      if (event.kind === 'start') pid = event.pid;
      if (event.kind === 'end') pid = null;
      yield event;
    }
  } finally {
    if (pid !== null) await envd.signalProcess(pid, 'SIGKILL', AbortSignal.timeout(KILL_MS)).catch(() => {});
  }
}

/** A program whose output is read, and what it said beside it. */
export class GuestOutput {
  /** `null` while it runs; -1 where a signal ended it. */
  exitCode: number | null = null;
  readonly #events: AsyncGenerator<ProcessEvent, void, undefined>;
  readonly #words: Buffer[] = [];
  #wordsBytes = 0;
  #first: Buffer | null = null;

  constructor(...command: Parameters<typeof followCommand>) {
    this.#events = followCommand(...command);
  }

  /** Waits for the first output, and answers whether there is any. @throws as `followCommand` */
  async begins(): Promise<boolean> {
    this.#first ??= await this.#next();
    return this.#first !== null;
  }

  /** All of the output. Leaving early ends the program. */
  async *read(): AsyncGenerator<Buffer, void, undefined> {
    try {
      let bytes = this.#first ?? (await this.#next());
      this.#first = null;
      for (; bytes !== null; bytes = await this.#next()) yield bytes;
    } finally {
      await this.close();
    }
  }

  /** What it complained about so far, its beginning. */
  get words(): string {
    return Buffer.concat(this.#words).toString('utf8');
  }

  async close(): Promise<void> {
    await this.#events.return();
  }

  async #next(): Promise<Buffer | null> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done) return null;
      if (value.kind === 'end') this.exitCode = value.exitCode;
      if (value.kind === 'stdout') return value.bytes;
      if (value.kind === 'stderr') this.#hear(value.bytes);
    }
  }

  #hear(bytes: Buffer): void {
    if (this.#wordsBytes >= MAX_WORDS_BYTES) return;
    const heard = bytes.subarray(0, MAX_WORDS_BYTES - this.#wordsBytes);
    this.#words.push(heard);
    this.#wordsBytes += heard.length;
  }
}

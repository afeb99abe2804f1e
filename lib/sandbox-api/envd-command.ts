import 'server-only';
import type { ProcessEvent } from './envd-process-messages';
import type { EnvdCommand, EnvdProcesses } from './envd-processes';

type CommandEvents = AsyncGenerator<ProcessEvent<'stdout' | 'stderr'>, void, undefined>;

/** The deadline for killing an abandoned program, ms. */
const KILL_MS = 5_000;
const MAX_STDERR_BYTES = 16 * 1024;

/**
 * Runs a program for at most `lifetimeMs` and yields its events. Leaving early kills it.
 * @throws SandkeeperError `invalid` if the sandbox has no such program
 */
export async function* followCommand(
  envd: Pick<EnvdProcesses, 'run' | 'signalProcess'>,
  command: EnvdCommand,
  lifetimeMs: number,
  signal: AbortSignal,
): CommandEvents {
  let pid: number | null = null;
  try {
    for await (const event of envd.run(command, lifetimeMs, signal)) {
      if (event.kind === 'start') pid = event.pid;
      if (event.kind === 'end') pid = null;
      yield event;
    }
  } finally {
    if (pid !== null) await envd.signalProcess(pid, 'SIGKILL', AbortSignal.timeout(KILL_MS)).catch(() => {});
  }
}

/** A running program: streams its stdout and keeps the beginning of its stderr. */
export class CommandOutput {
  /** `null` while it runs; -1 if a signal ended it. */
  exitCode: number | null = null;
  readonly #events: CommandEvents;
  readonly #stderr: Buffer[] = [];
  #stderrBytes = 0;
  #first: Buffer | null = null;

  constructor(...command: Parameters<typeof followCommand>) {
    this.#events = followCommand(...command);
  }

  /** Waits for the first output. Resolves to false if there is none. @throws like `followCommand` */
  async begins(): Promise<boolean> {
    this.#first ??= await this.#next();
    return this.#first !== null;
  }

  /** Yields all of stdout. Leaving early kills the program. */
  async *read(): AsyncGenerator<Buffer, void, undefined> {
    try {
      let bytes = this.#first ?? (await this.#next());
      this.#first = null;
      for (; bytes !== null; bytes = await this.#next()) yield bytes;
    } finally {
      await this.close();
    }
  }

  /** The first 16 KiB of stderr so far. */
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString('utf8');
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
      if (value.kind === 'stderr') this.#keepStderr(value.bytes);
    }
  }

  #keepStderr(bytes: Buffer): void {
    if (this.#stderrBytes >= MAX_STDERR_BYTES) return;
    const kept = bytes.subarray(0, MAX_STDERR_BYTES - this.#stderrBytes);
    this.#stderr.push(kept);
    this.#stderrBytes += kept.length;
  }
}

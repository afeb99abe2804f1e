import 'server-only';
import { SandkeeperError } from '../errors';
import type { ProcessEvent } from './envd-process-messages';
import type { EnvdCommand, EnvdProcesses } from './envd-processes';

type CommandEvents = AsyncGenerator<ProcessEvent<'stdout' | 'stderr'>, void, undefined>;

/** The deadline for killing an abandoned program, ms. */
const KILL_MS = 5_000;
const MAX_STDERR_BYTES = 16 * 1024;

/** Whether a program may run in the sandbox. */
type Fate = { mayRun: boolean };

/**
 * Runs a program for at most `lifetimeMs` and yields its events. Leaving early kills it, unless the sandbox cannot be reached:
 * `fate` then stays `mayRun`.
 * @throws SandkeeperError `invalid` if the sandbox has no such program
 */
export async function* followCommand(
  envd: Pick<EnvdProcesses, 'run' | 'signalProcess'>,
  command: EnvdCommand,
  lifetimeMs: number,
  signal: AbortSignal,
  fate: Fate = { mayRun: false },
): CommandEvents {
  let pid: number | null = null;
  fate.mayRun = true;
  try {
    for await (const event of envd.run(command, lifetimeMs, signal)) {
      if (event.kind === 'start') pid = event.pid;
      if (event.kind === 'end') {
        pid = null;
        fate.mayRun = false;
      }
      yield event;
    }
  } catch (thrown) {
    // It never started.
    if (pid === null && SandkeeperError.from(thrown).code === 'invalid') fate.mayRun = false;
    throw thrown;
  } finally {
    if (pid !== null) {
      const killing = envd.signalProcess(pid, 'SIGKILL', AbortSignal.timeout(KILL_MS));
      fate.mayRun = await killing.then(
        () => false,
        () => true,
      );
    }
  }
}

/** A running program: streams its stdout and keeps the beginning of its stderr. */
export class CommandOutput {
  /** `null` while it runs; -1 if a signal ended it. */
  exitCode: number | null = null;
  readonly #fate: Fate = { mayRun: false };
  readonly #events: CommandEvents;
  readonly #stderr: Buffer[] = [];
  #stderrBytes = 0;
  #first: Buffer | null = null;

  constructor(
    envd: Pick<EnvdProcesses, 'run' | 'signalProcess'>,
    command: EnvdCommand,
    lifetimeMs: number,
    signal: AbortSignal,
  ) {
    this.#events = followCommand(envd, command, lifetimeMs, signal, this.#fate);
  }

  /** After `close`: whether it could not be killed, or its start was interrupted, so that it may still run. */
  get mayRun(): boolean {
    return this.#fate.mayRun;
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

import { z } from 'zod';
import { type ExitStatus, toExitStatus } from './exit-status';
import {
  costOf,
  encodeUint32,
  FrameKind,
  INPUT_CHUNK_BYTES,
  OUTPUT_WINDOW_BYTES,
  PIPE_CHUNK_BYTES,
} from './frames';
import type { Jail } from './jail';

/** What a process was started with, as `List` tells it (docs/protocol.md#envd-process-list). */
export type ProcessConfig = {
  readonly cmd: string;
  readonly args: readonly string[];
  /** Variables of the request alone. */
  readonly envs: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
};

export type OutputKind = 'stdout' | 'stderr' | 'pty';

export type ProcessEvent =
  | { readonly kind: 'data'; readonly output: OutputKind; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly status: ExitStatus };

const ExitReport = z.object({ code: z.number().int().nullable(), signal: z.string().max(20).nullable() });

/** Output that has not been taken by everybody yet. */
type Chunk = { readonly event: ProcessEvent & { kind: 'data' }; waiting: number };

/** One process in a sandbox, as the engine knows it: who reads it, and how much is under way. */
export class GuestProcess {
  readonly #jail: Jail;
  readonly #readers = new Set<ProcessReader>();
  #underWayBytes = 0;
  #inputTaken: (() => void)[] = [];
  #inputTurn: Promise<void> = Promise.resolve();
  status: ExitStatus | null = null;
  /** It was killed because its time was over. */
  isExpired = false;

  constructor(
    jail: Jail,
    /** The number the engine and the agent call it by. */
    readonly subject: number,
    /** As seen inside. */
    readonly pid: number,
    readonly config: ProcessConfig,
    readonly tag: string | undefined,
    readonly isPty: boolean,
    readonly hasStdin: boolean,
  ) {
    this.#jail = jail;
  }

  /** From now on the reader gets everything. The process waits for readers that do not keep up. */
  read(): ProcessReader {
    const reader: ProcessReader = new ProcessReader(
      (chunk) => this.#release(chunk),
      () => this.#readers.delete(reader),
    );
    if (this.status) reader.push({ kind: 'end', status: this.status });
    else this.#readers.add(reader);
    return reader;
  }

  /** @param number signal number; goes to this process alone */
  signal(number: number): void {
    this.#jail.send(FrameKind.signal, this.subject, Buffer.from([number]));
  }

  resize(cols: number, rows: number): void {
    const size = Buffer.allocUnsafe(4);
    size.writeUInt16BE(cols, 0);
    size.writeUInt16BE(rows, 2);
    this.#jail.send(FrameKind.resize, this.subject, size);
  }

  /** Resolves when the process (or its pipe) has taken the input, or has ended; in the order of the calls. */
  write(bytes: Buffer): Promise<void> {
    const turn = this.#inputTurn.then(async () => {
      for (let from = 0; from < bytes.length && !this.status; from += INPUT_CHUNK_BYTES) {
        const taken = new Promise<void>((resolve) => this.#inputTaken.push(resolve));
        this.#jail.send(FrameKind.input, this.subject, bytes.subarray(from, from + INPUT_CHUNK_BYTES));
        await taken;
      }
    });
    this.#inputTurn = turn;
    return turn;
  }

  /** The process reads the end of its input next. */
  closeStdin(): void {
    this.#jail.send(FrameKind.finish, this.subject);
  }

  /** A chunk from the agent. @throws RangeError when it is more than was allowed */
  receive(output: OutputKind, bytes: Buffer): void {
    this.#underWayBytes += costOf(bytes);
    if (bytes.length > PIPE_CHUNK_BYTES || this.#underWayBytes > OUTPUT_WINDOW_BYTES * 2 + PIPE_CHUNK_BYTES) {
      throw new RangeError('more output than allowed');
    }
    const chunk: Chunk = { event: { kind: 'data', output, bytes }, waiting: this.#readers.size + 1 };
    for (const reader of this.#readers) reader.push(chunk);
    this.#release(chunk);
  }

  inputWasTaken(): void {
    this.#inputTaken.shift()?.();
  }

  /** The process has ended as the agent reports. @throws when the report is none */
  endAs(report: unknown): ExitStatus {
    const { code, signal } = ExitReport.parse(report);
    return this.end(toExitStatus(code, signal));
  }

  /** The process has ended. */
  end(status: ExitStatus): ExitStatus {
    this.status = status;
    for (const reader of this.#readers) reader.push({ kind: 'end', status });
    this.#readers.clear();
    for (const taken of this.#inputTaken.splice(0)) taken();
    return status;
  }

  #release(chunk: Chunk): void {
    chunk.waiting -= 1;
    if (chunk.waiting > 0) return;
    const cost = costOf(chunk.event.bytes);
    this.#underWayBytes -= cost;
    if (!this.status) this.#jail.send(FrameKind.credit, this.subject, encodeUint32(cost));
  }
}

/** One reader's place in a process's output. What it has not taken holds the process back, so it must be closed. */
export class ProcessReader {
  readonly #release: (chunk: Chunk) => void;
  readonly #leave: () => void;
  #queue: (Chunk | (ProcessEvent & { kind: 'end' }))[] = [];
  #wake: (() => void) | null = null;
  #held: Chunk | null = null;
  #isClosed = false;

  constructor(release: (chunk: Chunk) => void, leave: () => void) {
    this.#release = release;
    this.#leave = leave;
  }

  push(entry: Chunk | (ProcessEvent & { kind: 'end' })): void {
    this.#queue.push(entry);
    this.#wake?.();
  }

  /** The next event; the one before counts as taken now. Null when the reader was closed. */
  async next(): Promise<ProcessEvent | null> {
    this.#releaseHeld();
    while (this.#queue.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const entry = this.#isClosed ? undefined : this.#queue.shift();
    if (!entry) return null;
    if ('kind' in entry) return entry;
    this.#held = entry;
    return entry.event;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    this.#releaseHeld();
    for (const entry of this.#queue.splice(0)) if (!('kind' in entry)) this.#release(entry);
    this.#wake?.();
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held) this.#release(held);
  }
}

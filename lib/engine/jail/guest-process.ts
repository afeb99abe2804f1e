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

/** The start parameters of a process, as `List` returns them (docs/protocol.md#envd-process-list). */
export type ProcessConfig = {
  readonly cmd: string;
  readonly args: readonly string[];
  /** Only the variables of the request. */
  readonly envs: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
};

export type OutputKind = 'stdout' | 'stderr' | 'pty';

export type ProcessEvent =
  | { readonly kind: 'data'; readonly output: OutputKind; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly status: ExitStatus };

const ExitReport = z.object({ code: z.number().int().nullable(), signal: z.string().max(20).nullable() });

/** Output, and the number of readers that have not consumed it. */
type Chunk = { readonly event: ProcessEvent & { kind: 'data' }; waiting: number };

/** The engine's view of one process in a sandbox: its readers and its unacknowledged output. */
export class GuestProcess {
  readonly #jail: Jail;
  readonly #readers = new Set<ProcessReader>();
  #inFlightBytes = 0;
  #inputWaiters: (() => void)[] = [];
  readonly #endWaiters: (() => void)[] = [];
  #lastInput: Promise<void> = Promise.resolve();
  status: ExitStatus | null = null;
  isExpired = false;
  /** The process has ended, and others still hold its output open. */
  isHeld = false;

  constructor(
    jail: Jail,
    readonly subject: number,
    readonly pid: number,
    readonly config: ProcessConfig,
    readonly tag: string | undefined,
    readonly isPty: boolean,
    readonly hasStdin: boolean,
    /** Started by the engine itself. Callers do not see it. */
    readonly isHidden: boolean,
  ) {
    this.#jail = jail;
  }

  /** Returns a reader of all output from now on. A slow reader slows down the process. */
  read(): ProcessReader {
    const reader: ProcessReader = new ProcessReader(
      (chunk) => this.#release(chunk),
      () => this.#readers.delete(reader),
    );
    if (this.status && !this.isHeld) reader.push({ kind: 'end', status: this.status });
    else this.#readers.add(reader);
    return reader;
  }

  /** Resolves when the process is gone. */
  get ended(): Promise<void> {
    return this.status ? Promise.resolve() : new Promise((resolve) => this.#endWaiters.push(resolve));
  }

  /** Signals this process only, not its group. */
  signal(number: number): void {
    this.#jail.send(FrameKind.signal, this.subject, Buffer.from([number]));
  }

  resize(cols: number, rows: number): void {
    const size = Buffer.allocUnsafe(4);
    size.writeUInt16BE(cols, 0);
    size.writeUInt16BE(rows, 2);
    this.#jail.send(FrameKind.resize, this.subject, size);
  }

  /** Resolves when the pipe has accepted the input or the process has ended. Calls are written in order. */
  write(bytes: Buffer): Promise<void> {
    const written = this.#lastInput.then(async () => {
      for (let from = 0; from < bytes.length && !this.status; from += INPUT_CHUNK_BYTES) {
        const accepted = new Promise<void>((resolve) => this.#inputWaiters.push(resolve));
        this.#jail.send(FrameKind.input, this.subject, bytes.subarray(from, from + INPUT_CHUNK_BYTES));
        await accepted;
      }
    });
    this.#lastInput = written;
    return written;
  }

  closeStdin(): void {
    this.#jail.send(FrameKind.finish, this.subject);
  }

  /** @throws RangeError if the agent exceeds its window */
  receive(output: OutputKind, bytes: Buffer): void {
    this.#inFlightBytes += costOf(bytes);
    if (bytes.length > PIPE_CHUNK_BYTES || this.#inFlightBytes > OUTPUT_WINDOW_BYTES * 2 + PIPE_CHUNK_BYTES) {
      throw new RangeError('more output than allowed');
    }
    const chunk: Chunk = { event: { kind: 'data', output, bytes }, waiting: this.#readers.size + 1 };
    for (const reader of this.#readers) reader.push(chunk);
    this.#release(chunk);
  }

  inputAccepted(): void {
    this.#inputWaiters.shift()?.();
  }

  /** Ends the process with the agent's report, or its output if it has ended before. @throws if the report is invalid */
  endAs(report: unknown): ExitStatus {
    const { code, signal } = ExitReport.parse(report);
    return this.end(this.status ?? toExitStatus(code, signal));
  }

  /** Ends the process for its readers. Later readers get the output of those that hold it. @throws if the report is invalid */
  exitAs(report: unknown): ExitStatus {
    const status = this.endAs(report);
    this.isHeld = true;
    return status;
  }

  end(status: ExitStatus): ExitStatus {
    this.status = status;
    this.isHeld = false;
    for (const reader of this.#readers) reader.push({ kind: 'end', status });
    this.#readers.clear();
    for (const accept of this.#inputWaiters.splice(0)) accept();
    for (const tell of this.#endWaiters.splice(0)) tell();
    return status;
  }

  #release(chunk: Chunk): void {
    chunk.waiting -= 1;
    if (chunk.waiting > 0) return;
    const cost = costOf(chunk.event.bytes);
    this.#inFlightBytes -= cost;
    if (!this.status || this.isHeld) this.#jail.send(FrameKind.credit, this.subject, encodeUint32(cost));
  }
}

/** A reader of a process's output. The caller must close it, because unread output blocks the process. */
export class ProcessReader {
  readonly #release: (chunk: Chunk) => void;
  readonly #onClose: () => void;
  #queue: (Chunk | (ProcessEvent & { kind: 'end' }))[] = [];
  #wake: (() => void) | null = null;
  #held: Chunk | null = null;
  #isClosed = false;

  constructor(release: (chunk: Chunk) => void, onClose: () => void) {
    this.#release = release;
    this.#onClose = onClose;
  }

  push(entry: Chunk | (ProcessEvent & { kind: 'end' })): void {
    this.#queue.push(entry);
    this.#wake?.();
  }

  /** Acknowledges the previous event and returns the next. Null after `close`. */
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
    this.#onClose();
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

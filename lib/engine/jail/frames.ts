/**
 * What the engine and the agent inside a sandbox say to each other, over one socket pair: a big-endian uint32 with the
 * length of the rest, one byte with the kind, a uint32 with the subject (a number that the engine gives to each process
 * or connection), then the payload.
 */

const LENGTH_BYTES = 4;
const HEAD_BYTES = 5;

export const FrameKind = {
  // To the agent.
  /** JSON `SpawnOrder` */
  spawn: 1,
  /** Bytes for the process's standard input, its terminal or a connection. */
  input: 2,
  /** uint32: so many bytes of output have been passed on, as many more may be sent. */
  credit: 3,
  /** uint16 columns, uint16 rows */
  resize: 4,
  /** uint8 signal number */
  signal: 5,
  /** uint16 port on the loopback interface inside */
  dial: 6,
  /** No more input will follow. */
  finish: 7,
  /** Forget the subject: a connection is cut, a process goes on unobserved. */
  drop: 8,
  // From the agent.
  /** No payload; subject 0. The first frame. */
  ready: 64,
  /** uint32 process id as seen inside; for a connection no payload. */
  started: 65,
  /** JSON `Refusal`; the subject is over. */
  refused: 66,
  stdout: 67,
  stderr: 68,
  /** Output of a terminal, or bytes of a connection. */
  output: 69,
  /** JSON `ExitReport`; the subject is over. For a connection no payload. */
  ended: 70,
  /** uint32: so many bytes of input have been taken. */
  taken: 71,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export type Frame = { readonly kind: number; readonly subject: number; readonly payload: Buffer };

export type SpawnOrder = {
  readonly cmd: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path inside. */
  readonly cwd: string;
  readonly stdin: boolean;
  readonly pty: { readonly cols: number; readonly rows: number } | null;
};

export type Refusal = { readonly reason: 'cwd' | 'exec' | 'limit' | 'internal'; readonly message: string };
export type ExitReport = { readonly code: number | null; readonly signal: string | null };

/** Bytes of output of one subject that may be under way at a time. */
export const OUTPUT_WINDOW_BYTES = 128 * 1024;
/** Largest chunk of standard output or error, and of a terminal (docs/protocol.md#envd-process-output). */
export const PIPE_CHUNK_BYTES = 32 * 1024;
export const PTY_CHUNK_BYTES = 16 * 1024;
/** Largest chunk of input; larger input is cut. */
export const INPUT_CHUNK_BYTES = 64 * 1024;
/** Largest frame each side takes in. An order carries arguments and environment, which come from one RPC message. */
export const ORDER_LIMIT_BYTES = 16 * 1024 * 1024;
export const REPORT_LIMIT_BYTES = 64 * 1024;

/** What a chunk costs beyond its bytes: many tiny ones take memory too. */
const CHUNK_COST_BYTES = 256;

const NOTHING = Buffer.alloc(0);

/** What a chunk of output takes of the window. */
export const costOf = (chunk: Buffer) => chunk.length + CHUNK_COST_BYTES;

export function encodeFrame(kind: FrameKind, subject: number, payload: Buffer = NOTHING): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + HEAD_BYTES + payload.length);
  frame.writeUInt32BE(HEAD_BYTES + payload.length, 0);
  frame.writeUInt8(kind, LENGTH_BYTES);
  frame.writeUInt32BE(subject, LENGTH_BYTES + 1);
  payload.copy(frame, LENGTH_BYTES + HEAD_BYTES);
  return frame;
}

export function encodeUint32(value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value, 0);
  return payload;
}

export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Cuts a byte stream into frames, holding at most one incomplete frame of at most `limitBytes`. */
export class FrameReader {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The frames that `chunk` completes. @throws RangeError for a frame that is too large or too small to be one */
  read(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#neededBytes) return [];
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#heldBytes);
    const frames: Frame[] = [];
    for (;;) {
      this.#neededBytes = this.#sizeOfNext(rest);
      if (rest.length < this.#neededBytes || rest.length < LENGTH_BYTES) break;
      frames.push({
        kind: rest.readUInt8(LENGTH_BYTES),
        subject: rest.readUInt32BE(LENGTH_BYTES + 1),
        payload: rest.subarray(LENGTH_BYTES + HEAD_BYTES, this.#neededBytes),
      });
      rest = rest.subarray(this.#neededBytes);
    }
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
    return frames;
  }

  #neededBytes = LENGTH_BYTES;

  #sizeOfNext(buffer: Buffer): number {
    if (buffer.length < LENGTH_BYTES) return LENGTH_BYTES;
    const length = buffer.readUInt32BE(0);
    if (length < HEAD_BYTES || length > this.#limitBytes + HEAD_BYTES) {
      throw new RangeError(`a frame of ${length} bytes`);
    }
    return LENGTH_BYTES + length;
  }
}

/**
 * The protocol between the engine and the agent, over one socket pair. A frame is a big-endian uint32 length of the
 * rest, a one-byte kind, a uint32 subject (the engine's number of a process or connection), and the payload.
 */

const LENGTH_BYTES = 4;
const HEAD_BYTES = 5;

export const FrameKind = {
  // To the agent.
  /** JSON `SpawnRequest` */
  spawn: 1,
  input: 2,
  /** uint32: acknowledged output bytes, which reopen the window by as much. */
  credit: 3,
  /** uint16 columns, uint16 rows */
  resize: 4,
  signal: 5,
  /** uint16 port on the loopback interface inside */
  dial: 6,
  finish: 7,
  drop: 8,
  // From the agent.
  /** No payload; subject 0. The first frame. */
  ready: 64,
  /** uint32 pid inside the sandbox; no payload for a connection. */
  started: 65,
  /** JSON `Refusal`. Ends the subject. */
  refused: 66,
  stdout: 67,
  stderr: 68,
  /** Output of a terminal, or bytes of a connection. */
  output: 69,
  /** JSON `ExitReport`; no payload for a connection. Ends the subject. */
  ended: 70,
  /** uint32: accepted input bytes. */
  accepted: 71,
  /** JSON `ExitReport`: the process has ended, and others still hold its output open. `ended` follows when they close it. */
  exited: 72,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export type Frame = { readonly kind: number; readonly subject: number; readonly payload: Buffer };

export type SpawnRequest = {
  readonly cmd: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdin: boolean;
  readonly pty: { readonly cols: number; readonly rows: number } | null;
  /** Inside the sandbox. Null for the agent's own user, if the sandbox has no other. */
  readonly ids: { readonly uid: number; readonly gid: number } | null;
};

export type Refusal = { readonly reason: 'cwd' | 'exec' | 'limit' | 'internal'; readonly message: string };
export type ExitReport = { readonly code: number | null; readonly signal: string | null };

/** Unacknowledged output per subject. */
export const OUTPUT_WINDOW_BYTES = 128 * 1024;
/** Largest output chunks (docs/protocol.md#envd-process-output). */
export const PIPE_CHUNK_BYTES = 32 * 1024;
export const PTY_CHUNK_BYTES = 16 * 1024;
export const INPUT_CHUNK_BYTES = 64 * 1024;
/** Largest payload to the agent: arguments and environment of one RPC message. */
export const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
export const MAX_REPORT_BYTES = 64 * 1024;

/** Overhead per chunk, which bounds the memory of many tiny chunks. */
const CHUNK_COST_BYTES = 256;

const NOTHING = Buffer.alloc(0);

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

/** Splits a byte stream into frames. Buffers at most one incomplete frame, with a payload of at most `maxBytes`. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #neededBytes = LENGTH_BYTES;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The frames that `chunk` completes. @throws RangeError for an invalid length */
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

  #sizeOfNext(buffer: Buffer): number {
    if (buffer.length < LENGTH_BYTES) return LENGTH_BYTES;
    const length = buffer.readUInt32BE(0);
    if (length < HEAD_BYTES || length > this.#maxBytes + HEAD_BYTES) {
      throw new RangeError(`invalid frame length: ${length} bytes`);
    }
    return LENGTH_BYTES + length;
  }
}

import { Socket } from 'node:net';
import {
  costOf,
  encodeFrame,
  encodeJson,
  encodeUint32,
  type Frame,
  FrameKind,
  FrameReader,
  MAX_REQUEST_BYTES,
  OUTPUT_WINDOW_BYTES,
  type Refusal,
} from './frames';

/** The agent's end of the connection to the engine. Exits the process when the connection closes. */
export class EngineLink {
  readonly #socket: Socket;
  readonly #frames = new FrameReader(MAX_REQUEST_BYTES);

  constructor(fd: number, handle: (frame: Frame) => void) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on('data', (chunk) => {
      for (const frame of this.#frames.read(chunk)) handle(frame);
    });
    const exit = () => process.exit(0);
    this.#socket.on('error', exit).on('close', exit);
  }

  send(kind: FrameKind, subject: number, payload?: Buffer): void {
    this.#socket.write(encodeFrame(kind, subject, payload));
  }

  refuse(subject: number, refusal: Refusal): void {
    this.send(FrameKind.refused, subject, encodeJson(refusal));
  }
}

/** What processes report to: the engine, or a client of `sudo`. */
export type Link = Pick<EngineLink, 'send' | 'refuse'>;

/** A numbered process, terminal or connection that frames refer to. */
export interface Subject {
  input(bytes: Buffer): void;
  credit(bytes: number): void;
  finish(): void;
  signal(number: number): void;
  resize(cols: number, rows: number): void;
  drop(): void;
}

/** Back-pressure for one subject's output: pauses its sources while a full window is unacknowledged. */
export class OutputWindow {
  readonly #link: Link;
  readonly #subject: number;
  readonly #sources = new Set<Socket>();
  #inFlightBytes = 0;

  constructor(link: Link, subject: number) {
    this.#link = link;
    this.#subject = subject;
  }

  attach(source: Socket, toFrames: (bytes: Buffer) => Buffer[], kind: FrameKind): void {
    this.#sources.add(source);
    source.on('data', (bytes) => {
      for (const chunk of toFrames(bytes)) this.send(kind, chunk);
    });
    source.once('close', () => this.#sources.delete(source));
  }

  send(kind: FrameKind, chunk: Buffer): void {
    this.#link.send(kind, this.#subject, chunk);
    this.#inFlightBytes += costOf(chunk);
    if (this.isFull) for (const source of this.#sources) source.pause();
  }

  credit(bytes: number): void {
    this.#inFlightBytes -= bytes;
    if (!this.isFull) for (const source of this.#sources) source.resume();
  }

  get isFull(): boolean {
    return this.#inFlightBytes >= OUTPUT_WINDOW_BYTES;
  }
}

/** Writes input and acknowledges it once the target has accepted it. */
export function writeInput(link: Link, subject: number, target: Socket | null, bytes: Buffer): void {
  const acknowledge = () => link.send(FrameKind.accepted, subject, encodeUint32(bytes.length));
  // Input to a closed target is discarded, as on any pipe.
  if (!target || target.destroyed || !target.writable) acknowledge();
  else target.write(bytes, acknowledge);
}

export function applyFrame(subject: Subject, { kind, payload }: Frame): void {
  if (kind === FrameKind.input) subject.input(payload);
  else if (kind === FrameKind.credit) subject.credit(payload.readUInt32BE(0));
  else if (kind === FrameKind.resize) subject.resize(payload.readUInt16BE(0), payload.readUInt16BE(2));
  else if (kind === FrameKind.signal) subject.signal(payload.readUInt8(0));
  else if (kind === FrameKind.finish) subject.finish();
  else if (kind === FrameKind.drop) subject.drop();
}

/** Describes the error as a shell would, without mentioning `spawn`. */
export function refusalOf(error: unknown, cmd: string): Refusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, Refusal> = {
    ENOENT: { reason: 'exec', message: `${cmd}: no such file or directory` },
    ENOTDIR: { reason: 'exec', message: `${cmd}: not a directory` },
    EACCES: { reason: 'exec', message: `${cmd}: permission denied` },
    ENOEXEC: { reason: 'exec', message: `${cmd}: exec format error` },
    E2BIG: { reason: 'exec', message: `${cmd}: argument list too long` },
    EAGAIN: { reason: 'limit', message: 'the sandbox has reached its limit of processes' },
    EMFILE: { reason: 'limit', message: 'the sandbox has reached its limit of open files' },
    ENOMEM: { reason: 'limit', message: 'the sandbox has no memory left' },
  };
  const message = error instanceof Error ? error.message : String(error);
  return (
    (Object.hasOwn(known, code) ? known[code] : undefined) ?? {
      reason: 'internal',
      message: message.slice(0, 500),
    }
  );
}

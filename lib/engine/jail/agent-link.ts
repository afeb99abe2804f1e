import { Socket } from 'node:net';
import {
  costOf,
  encodeFrame,
  encodeJson,
  encodeUint32,
  type Frame,
  FrameKind,
  FrameReader,
  ORDER_LIMIT_BYTES,
  OUTPUT_WINDOW_BYTES,
  type Refusal,
} from './frames';

/** The agent's end of the connection to the engine. Without the engine there is nothing left to do. */
export class EngineLink {
  readonly #socket: Socket;
  readonly #frames = new FrameReader(ORDER_LIMIT_BYTES);

  constructor(fd: number, handle: (frame: Frame) => void) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on('data', (chunk) => {
      for (const frame of this.#frames.read(chunk)) handle(frame);
    });
    const leave = () => process.exit(0);
    this.#socket.on('error', leave).on('close', leave);
  }

  send(kind: FrameKind, subject: number, payload?: Buffer): void {
    this.#socket.write(encodeFrame(kind, subject, payload));
  }

  refuse(subject: number, refusal: Refusal): void {
    this.send(FrameKind.refused, subject, encodeJson(refusal));
  }
}

/** Something with a number that the engine talks about: a process, a terminal or a connection. */
export interface Subject {
  input(bytes: Buffer): void;
  credit(bytes: number): void;
  finish(): void;
  signal(number: number): void;
  resize(cols: number, rows: number): void;
  drop(): void;
}

/**
 * Output of one subject with back-pressure: once a window's worth is under way the source rests until the engine has
 * passed some on.
 */
export class OutputWindow {
  readonly #link: EngineLink;
  readonly #subject: number;
  #underWay = 0;
  readonly #sources = new Set<Socket>();

  constructor(link: EngineLink, subject: number) {
    this.#link = link;
    this.#subject = subject;
  }

  /** Sends what the source delivers. */
  attach(source: Socket, toFrames: (bytes: Buffer) => Buffer[], kind: FrameKind): void {
    this.#sources.add(source);
    source.on('data', (bytes) => {
      for (const chunk of toFrames(bytes)) this.send(kind, chunk);
    });
    source.once('close', () => this.#sources.delete(source));
  }

  send(kind: FrameKind, chunk: Buffer): void {
    this.#link.send(kind, this.#subject, chunk);
    this.#underWay += costOf(chunk);
    if (this.#underWay >= OUTPUT_WINDOW_BYTES) for (const source of this.#sources) source.pause();
  }

  credit(bytes: number): void {
    this.#underWay -= bytes;
    if (this.#underWay < OUTPUT_WINDOW_BYTES) for (const source of this.#sources) source.resume();
  }

  get isFull(): boolean {
    return this.#underWay >= OUTPUT_WINDOW_BYTES;
  }
}

/** Input that is written as far as the other side takes it, and acknowledged then. */
export function writeInput(link: EngineLink, subject: number, target: Socket | null, bytes: Buffer): void {
  const taken = () => link.send(FrameKind.taken, subject, encodeUint32(bytes.length));
  // Input for a process that has closed its end is lost, as it is on any pipe.
  if (!target || target.destroyed || !target.writable) taken();
  else target.write(bytes, taken);
}

import { connect, type Socket } from 'node:net';
import { type EngineLink, OutputWindow, type Subject, writeInput } from './agent-link';
import { FrameKind, PIPE_CHUNK_BYTES } from './frames';

/** Relays a connection from the engine to a server on the sandbox's own loopback interface. */
export class Connection implements Subject {
  readonly #link: EngineLink;
  readonly #subject: number;
  readonly #onEnd: () => void;
  readonly #socket: Socket;
  readonly #window: OutputWindow;
  #isOpen = false;
  #hasEnded = false;

  constructor(link: EngineLink, subject: number, port: number, onEnd: () => void) {
    this.#link = link;
    this.#subject = subject;
    this.#onEnd = onEnd;
    this.#window = new OutputWindow(link, subject);
    this.#socket = connect({ port, host: 'localhost', autoSelectFamily: true, allowHalfOpen: true });
    this.#window.attach(this.#socket, cutEvenly, FrameKind.output);
    this.#socket.once('connect', () => {
      this.#isOpen = true;
      link.send(FrameKind.started, subject);
    });
    this.#socket.once('end', () => link.send(FrameKind.finish, subject));
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => this.#closed());
  }

  input(bytes: Buffer): void {
    writeInput(this.#link, this.#subject, this.#socket, bytes);
  }

  credit(bytes: number): void {
    this.#window.credit(bytes);
  }

  finish(): void {
    this.#socket.end();
  }

  drop(): void {
    this.#socket.destroy();
  }

  signal(): void {}
  resize(): void {}

  #closed(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    if (this.#isOpen) this.#link.send(FrameKind.ended, this.#subject);
    else this.#link.refuse(this.#subject, { reason: 'exec', message: 'port is not open' });
  }
}

function cutEvenly(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += PIPE_CHUNK_BYTES) {
    chunks.push(bytes.subarray(from, from + PIPE_CHUNK_BYTES));
  }
  return chunks;
}

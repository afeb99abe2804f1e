import { connect, type Socket } from 'node:net';
import { type EngineLink, OutputWindow, type Subject, writeInput } from './agent-link';
import { FrameKind, PIPE_CHUNK_BYTES } from './frames';

/** A connection to a server inside the sandbox, carried to the engine: its loopback interface is not the host's. */
export class Connection implements Subject {
  readonly #link: EngineLink;
  readonly #subject: number;
  readonly #onOver: () => void;
  readonly #socket: Socket;
  readonly #window: OutputWindow;
  #isOpen = false;
  #isOver = false;

  constructor(link: EngineLink, subject: number, port: number, onOver: () => void) {
    this.#link = link;
    this.#subject = subject;
    this.#onOver = onOver;
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
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
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

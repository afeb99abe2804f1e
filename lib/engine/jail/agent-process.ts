import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { type Link, OutputWindow, type Subject, writeInput } from './agent-link';
import { openPipe, type Pipe, type PipePool } from './agent-pipes';
import { openTerminals } from './agent-terminal';
import { exactEnv } from './environment';
import {
  type ExitReport,
  encodeJson,
  encodeUint32,
  FrameKind,
  PIPE_CHUNK_BYTES,
  type SpawnRequest,
} from './frames';
import { TextChunks } from './text-chunks';

/** Time to drain the output of a killed process whose pipes others hold (docs/protocol.md#envd-end-of-a-process). */
const DRAIN_MS = 20;
/** The largest pipe that a sandbox can make, and so the most that a process can leave behind in one. */
const MAX_PIPE_BYTES = 1024 * 1024;
/** Ended processes whose output others hold open. The pipes of the oldest are closed when there are more. */
const MAX_HELD = 256;

const held = new Set<PipeProcess>();

/**
 * A command with pipes. Sends `started`, its output, then `ended`. If other processes hold its output open when it ends, sends
 * `exited` after its own output, and `ended` when the others have closed theirs.
 */
export class PipeProcess implements Subject {
  readonly #link: Link;
  readonly #subject: number;
  readonly #child: ChildProcess;
  readonly #onEnd: () => void;
  readonly #window: OutputWindow;
  readonly #outputs = new Map<Socket, Output>();
  /** What the process left in its pipes, not sent yet. */
  #rest: { kind: OutputKind; chunk: Buffer }[] = [];
  readonly #stdin: Socket | null;
  #report: ExitReport | null = null;
  #isSignalled = false;
  #hasExited = false;
  #hasEnded = false;

  private constructor(
    link: Link,
    subject: number,
    child: ChildProcess,
    ends: { stdin: number | null; stdout: number; stderr: number },
    onEnd: () => void,
  ) {
    this.#link = link;
    this.#subject = subject;
    this.#child = child;
    this.#onEnd = onEnd;
    this.#window = new OutputWindow(link, subject);
    this.#stdin =
      ends.stdin === null ? null : new Socket({ fd: ends.stdin, readable: false, writable: true });
    this.#stdin?.on('error', () => {});
    link.send(FrameKind.started, subject, encodeUint32(child.pid ?? 0));
    this.#read(ends.stdout, FrameKind.stdout);
    this.#read(ends.stderr, FrameKind.stderr);
    child.once('exit', (code, signal) => this.#exited({ code, signal }));
  }

  static async start(
    link: Link,
    subject: number,
    request: SpawnRequest,
    pipes: PipePool,
    onEnd: () => void,
  ): Promise<PipeProcess> {
    const paths = await pipes.take(request.stdin ? 3 : 2);
    const opened: Pipe[] = [];
    const open = (role: 'reads' | 'writes') => {
      const pipe = openPipe(paths.pop() ?? '', role);
      opened.push(pipe);
      return pipe;
    };
    try {
      const stdin = request.stdin ? open('reads') : null;
      const stdout = open('writes');
      const stderr = open('writes');
      const child = spawn(request.cmd, request.args, {
        cwd: request.cwd,
        env: exactEnv(request.env),
        // In its own session, `kill 0` in a script does not reach the agent.
        detached: true,
        ...request.ids,
        stdio: hideTerminals([stdin ? stdin.child : 'ignore', stdout.child, stderr.child]),
      });
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      child.on('error', () => {});
      const ends = { stdin: stdin ? stdin.agent : null, stdout: stdout.agent, stderr: stderr.agent };
      return new PipeProcess(link, subject, child, ends, onEnd);
    } catch (error) {
      for (const pipe of opened) closeSync(pipe.agent);
      throw error;
    } finally {
      for (const pipe of opened) closeSync(pipe.child);
    }
  }

  input(bytes: Buffer): void {
    writeInput(this.#link, this.#subject, this.#stdin, bytes);
  }

  credit(bytes: number): void {
    this.#window.credit(bytes);
    this.#sendRest();
  }

  finish(): void {
    this.#stdin?.end();
  }

  signal(number: number): void {
    this.#isSignalled = true;
    this.#child.kill(number);
    if (this.#report) this.#endSoon();
  }

  resize(): void {}
  drop(): void {}

  #read(fd: number, kind: OutputKind): void {
    const source = new Socket({ fd, readable: true, writable: false });
    const chunks = new TextChunks(PIPE_CHUNK_BYTES);
    this.#outputs.set(source, { fd, kind, chunks });
    this.#window.attach(source, (bytes) => chunks.cut(bytes), kind);
    source.on('error', () => {});
    source.once('close', () => {
      if (!this.#hasEnded) for (const chunk of chunks.flush()) this.#rest.push({ kind, chunk });
      this.#outputs.delete(source);
      this.#sendRest();
    });
  }

  #exited(report: ExitReport): void {
    this.#report = report;
    this.#stdin?.destroy();
    if (this.#isSignalled) this.#endSoon();
    else for (const [source, output] of this.#outputs) this.#takeRest(source, output);
    this.#sendRest();
  }

  /**
   * Takes what is in the pipe now. The process wrote nothing later, and others may write for ever. The source stays paused
   * until the rest is sent.
   */
  #takeRest(source: Socket, { fd, kind, chunks }: Output): void {
    const parts = takeBuffered(source);
    const isAtEnd = readAvailable(fd, parts);
    for (const part of parts) for (const chunk of chunks.cut(part)) this.#rest.push({ kind, chunk });
    for (const chunk of chunks.flush()) this.#rest.push({ kind, chunk });
    if (!isAtEnd) return;
    this.#outputs.delete(source);
    source.destroy();
  }

  #sendRest(): void {
    while (this.#rest.length > 0 && !this.#window.isFull) {
      const next = this.#rest.shift();
      if (next) this.#window.send(next.kind, next.chunk);
    }
    if (this.#rest.length > 0) {
      // The window resumes its sources on every credit.
      for (const source of this.#outputs.keys()) source.pause();
    } else if (this.#report) this.#close(this.#report);
  }

  /** Reports the end of the process, and the end of its output once nobody holds it. */
  #close(report: ExitReport): void {
    if (this.#outputs.size === 0) this.#end(report);
    else if (!this.#hasExited && !this.#isSignalled) {
      this.#hasExited = true;
      this.#link.send(FrameKind.exited, this.#subject, encodeJson(report));
      for (const source of this.#outputs.keys()) source.resume();
      held.add(this);
      const [oldest] = held;
      if (oldest && held.size > MAX_HELD) oldest.#endSoon();
    }
  }

  #endSoon(): void {
    held.delete(this);
    setTimeout(() => {
      for (const source of this.#outputs.keys()) source.destroy();
    }, DRAIN_MS);
  }

  #end(report: ExitReport): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    held.delete(this);
    this.#onEnd();
    this.#link.send(FrameKind.ended, this.#subject, encodeJson(report));
  }
}

type OutputKind = typeof FrameKind.stdout | typeof FrameKind.stderr;
type Output = { readonly fd: number; readonly kind: OutputKind; readonly chunks: TextChunks };

/** Pauses a source and takes what it has read, without an event. */
function takeBuffered(source: Socket): Buffer[] {
  source.pause();
  const listeners = source.listeners('data') as ((bytes: Buffer) => void)[];
  source.removeAllListeners('data');
  const parts: Buffer[] = [];
  for (let part: Buffer | null = source.read(); part; part = source.read()) parts.push(part);
  for (const listener of listeners) source.on('data', listener);
  return parts;
}

/** Reads what is in a pipe, without waiting. Returns whether nobody can write to it any more. */
function readAvailable(fd: number, parts: Buffer[]): boolean {
  const buffer = Buffer.allocUnsafe(PIPE_CHUNK_BYTES);
  try {
    for (let taken = 0; taken < MAX_PIPE_BYTES; ) {
      const size = readSync(fd, buffer);
      if (size === 0) return true;
      parts.push(Buffer.from(buffer.subarray(0, size)));
      taken += size;
    }
  } catch {
    // The pipe is empty and still open.
  }
  return false;
}

type ChildStdio = (number | 'ignore')[];

/** Replaces descriptors of open terminals, which the child would inherit, with the null device. */
function hideTerminals(stdio: ChildStdio): ChildStdio {
  for (const { master, cover } of openTerminals()) {
    while (stdio.length < master) stdio.push('ignore');
    stdio[master] = cover;
  }
  return stdio;
}

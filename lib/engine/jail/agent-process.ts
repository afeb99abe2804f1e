import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { type EngineLink, OutputWindow, type Subject, writeInput } from './agent-link';
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

/** A command with pipes. Sends `started`, its output, then `ended`. */
export class PipeProcess implements Subject {
  readonly #link: EngineLink;
  readonly #subject: number;
  readonly #child: ChildProcess;
  readonly #onEnd: () => void;
  readonly #window: OutputWindow;
  readonly #outputs = new Set<Socket>();
  readonly #stdin: Socket | null;
  #report: ExitReport | null = null;
  #isSignalled = false;
  #hasEnded = false;

  private constructor(
    link: EngineLink,
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
    link: EngineLink,
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

  #read(fd: number, kind: typeof FrameKind.stdout | typeof FrameKind.stderr): void {
    const source = new Socket({ fd, readable: true, writable: false });
    const chunks = new TextChunks(PIPE_CHUNK_BYTES);
    this.#outputs.add(source);
    this.#window.attach(source, (bytes) => chunks.cut(bytes), kind);
    source.on('error', () => {});
    source.once('close', () => {
      for (const chunk of this.#hasEnded ? [] : chunks.flush()) this.#window.send(kind, chunk);
      this.#outputs.delete(source);
      this.#endWhenRead();
    });
  }

  #exited(report: ExitReport): void {
    this.#report = report;
    if (this.#isSignalled) this.#endSoon();
    this.#endWhenRead();
  }

  #endSoon(): void {
    setTimeout(() => {
      for (const source of this.#outputs) source.destroy();
    }, DRAIN_MS);
  }

  #endWhenRead(): void {
    if (!this.#report || this.#outputs.size > 0 || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stdin?.destroy();
    this.#onEnd();
    this.#link.send(FrameKind.ended, this.#subject, encodeJson(this.#report));
  }
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

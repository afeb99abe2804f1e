import { accessSync, chownSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants as osConstants } from 'node:os';
import { ReadStream } from 'node:tty';
import { type Link, OutputWindow, type Subject, writeInput } from './agent-link';
import {
  type ExitReport,
  encodeJson,
  encodeUint32,
  FrameKind,
  PTY_CHUNK_BYTES,
  type SpawnRequest,
} from './frames';
import { TextChunks } from './text-chunks';

/**
 * The used part of node-pty's native binding. Its JavaScript is not used: it drops output that is unread 200 ms after
 * the exit, and would have to be resolvable inside the sandbox.
 */
type PtyBinary = {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    isUtf8: boolean,
    helperPath: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number): void;
};

/** Silence after the process's exit that marks the end of its output. */
const SILENCE_MS = 100;
/** Time after which the output counts as ended though others still write to the terminal. */
const MAX_REST_MS = 1_000;

const masters = new Set<number>();
let cover: number | undefined;
let binary: PtyBinary | undefined;

/** Descriptors of open terminals, which children would inherit, each with a null device to replace it. */
export function openTerminals(): { master: number; cover: number }[] {
  if (masters.size === 0) return [];
  cover ??= openSync('/dev/null', 'r+');
  const device = cover;
  return [...masters].map((master) => ({ master, cover: device }));
}

export class TerminalProcess implements Subject {
  readonly #link: Link;
  readonly #subject: number;
  readonly #onEnd: () => void;
  readonly #window: OutputWindow;
  readonly #chunks = new TextChunks(PTY_CHUNK_BYTES);
  readonly #stream: ReadStream;
  readonly #fd: number;
  readonly #pid: number;
  #report: ExitReport | null = null;
  #isSignalled = false;
  #hasEnded = false;
  #lastDataMs = 0;

  constructor(
    link: Link,
    subject: number,
    request: SpawnRequest & { pty: NonNullable<SpawnRequest['pty']> },
    onEnd: () => void,
  ) {
    this.#link = link;
    this.#subject = subject;
    this.#onEnd = onEnd;
    const { uid, gid } = request.ids ?? { uid: -1, gid: -1 };
    const { fd, pid, pty } = loadBinary().fork(
      findProgram(request.cmd, request.env.PATH ?? ''),
      [...request.args],
      Object.entries(request.env).map(([name, value]) => `${name}=${value}`),
      request.cwd,
      request.pty.cols,
      request.pty.rows,
      uid,
      gid,
      false,
      '',
      (code, signal) => this.#exited(toReport(code, signal)),
    );
    if (request.ids) chownSync(pty, uid, gid);
    this.#fd = fd;
    this.#pid = pid;
    masters.add(fd);
    this.#stream = new ReadStream(fd);
    this.#window = new OutputWindow(link, subject);
    link.send(FrameKind.started, subject, encodeUint32(pid));
    this.#window.attach(this.#stream, (bytes) => this.#cut(bytes), FrameKind.output);
    // Reading fails with EIO once no process has the terminal open.
    this.#stream.on('error', () => this.#stream.destroy());
    this.#stream.once('close', () => this.#closed());
  }

  input(bytes: Buffer): void {
    writeInput(this.#link, this.#subject, this.#stream, bytes);
  }

  credit(bytes: number): void {
    this.#window.credit(bytes);
  }

  signal(number: number): void {
    this.#isSignalled = true;
    if (!this.#report) process.kill(this.#pid, number);
    else this.#stream.destroy();
  }

  resize(cols: number, rows: number): void {
    if (masters.has(this.#fd)) loadBinary().resize(this.#fd, cols, rows);
  }

  finish(): void {}
  drop(): void {}

  #cut(bytes: Buffer): Buffer[] {
    this.#lastDataMs = Date.now();
    return this.#chunks.cut(bytes);
  }

  #exited(report: ExitReport): void {
    this.#report = report;
    if (this.#stream.closed) this.#end();
    else if (this.#isSignalled) setTimeout(() => this.#stream.destroy(), 20);
    else this.#closeWhenSilent();
  }

  /** Background jobs may keep the terminal open, or write to it, indefinitely. Output of the process itself arrives at once. */
  #closeWhenSilent(): void {
    const exitedMs = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      if (this.#hasEnded) clearInterval(timer);
      else if (this.#window.isFull) return;
      else if (now - this.#lastDataMs > SILENCE_MS || now - exitedMs > MAX_REST_MS) this.#stream.destroy();
    }, SILENCE_MS);
  }

  #closed(): void {
    masters.delete(this.#fd);
    for (const chunk of this.#chunks.flush()) this.#window.send(FrameKind.output, chunk);
    if (this.#report) this.#end();
  }

  #end(): void {
    if (this.#hasEnded || !this.#report) return;
    this.#hasEnded = true;
    this.#onEnd();
    this.#link.send(FrameKind.ended, this.#subject, encodeJson(this.#report));
  }
}

function toReport(code: number, signal: number): ExitReport {
  if (!signal) return { code, signal: null };
  const name = Object.entries(osConstants.signals).find(([, number]) => number === signal)?.[0];
  return { code: null, signal: name ?? `SIG${signal}` };
}

function loadBinary(): PtyBinary {
  // The engine mounts this file; the cast matches its pinned version.
  binary ??= createRequire(import.meta.url)('./pty.node') as PtyBinary;
  return binary;
}

/** Finds the program first, because the binding reports a missing one only as terminal output. @throws ENOENT, EACCES */
function findProgram(cmd: string, searchPath: string): string {
  if (cmd.includes('/')) {
    accessSync(cmd, constants.X_OK);
    return cmd;
  }
  for (const directory of searchPath.split(':')) {
    try {
      accessSync(`${directory}/${cmd}`, constants.X_OK);
      return `${directory}/${cmd}`;
    } catch {
      // Try the next directory.
    }
  }
  throw Object.assign(new Error(`spawn ${cmd} ENOENT`), { code: 'ENOENT' });
}

import { z } from 'zod';
import { type ExitStatus, KILLED } from './exit-status';
import { encodeJson, type Frame, FrameKind, type Refusal, type SpawnRequest } from './frames';
import { GuestConnection } from './guest-connection';
import { GuestProcess, type OutputKind, type ProcessConfig, type ProcessReader } from './guest-process';
import { Jail, type JailOptions } from './jail';
import type { OutputLog } from './output-log';

/** Starts, and connections, that await the agent's reply. */
const MAX_PENDING = 512;
/** Ended processes whose output others hold open. */
const MAX_HELD = 512;
/** Ended processes whose end a late `Connect` still gets. */
const MAX_ENDED = 512;
const ENDED_KEPT_MS = 600_000;
const MAX_PID = 4_194_304;
const MAX_SUBJECT = 0xffff_ffff;

export type StartRequest = {
  readonly spawn: SpawnRequest;
  readonly config: ProcessConfig;
  readonly tag: string | undefined;
  /** Whether the engine itself starts it, so that callers do not see it. Default: false. */
  readonly isHidden?: boolean;
};

export type StartedProcess = { readonly process: GuestProcess; readonly reader: ProcessReader };

/** The process could not be started. Carries the agent's message. */
export class StartRefused extends Error {
  override name = 'StartRefused';

  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

const RefusalReport = z.object({
  reason: z.enum(['cwd', 'exec', 'limit', 'internal']),
  message: z.string().max(8_192),
});

type Waiting<Result> = { resolve(result: Result): void; reject(error: Error): void };
type PendingProcess = Waiting<StartedProcess> & { request: StartRequest };

export type SessionOptions = Omit<JailOptions, 'onFrame'> & {
  openLog(process: GuestProcess): OutputLog;
  onChange(): void;
};

type ProcessSelector = { readonly pid?: number | undefined; readonly tag?: string | undefined };

/** Matches by the pid inside the sandbox, or else by the tag. The engine's own processes never match. */
function matching({ pid, tag }: ProcessSelector): (process: GuestProcess) => boolean {
  return (process) => !process.isHidden && (pid === undefined ? process.tag === tag : process.pid === pid);
}

/** One start of a sandbox's jail, with its processes and connections. All end with the jail. */
export class Session {
  readonly openedAtMs = performance.now();
  readonly processes = new Map<number, GuestProcess>();
  /** Ended processes whose output others hold open. */
  readonly #held = new Map<number, GuestProcess>();
  /** Ended processes whose output is closed, by the time of their end. The oldest first. */
  readonly #past = new Map<GuestProcess, number>();
  receivedFrames = 0;
  readonly #options: SessionOptions;
  readonly #logs = new Map<number, OutputLog>();
  readonly #pending = new Map<number, PendingProcess>();
  readonly #dialing = new Map<number, Waiting<GuestConnection>>();
  readonly #connections = new Map<number, GuestConnection>();
  #lastSubject = 0;
  #startedJail: Jail | undefined;

  private constructor(options: SessionOptions) {
    this.#options = options;
  }

  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    session.#startedJail = await Jail.start({ ...options, onFrame: (frame) => session.#receive(frame) });
    void session.jail.ended.then(() => session.#endAll());
    return session;
  }

  get jail(): Jail {
    if (!this.#startedJail) throw new Error('the sandbox has not started');
    return this.#startedJail;
  }

  /** Resolves with the process and a reader of its output from the start. @throws StartRefused */
  start(request: StartRequest): Promise<StartedProcess> {
    if (this.#pending.size >= MAX_PENDING || !this.jail.isWritable) {
      const message = 'too many commands are starting in the sandbox: try again later';
      return Promise.reject(new StartRefused({ reason: 'limit', message }));
    }
    const subject = this.#nextSubject();
    return new Promise((resolve, reject) => {
      this.#pending.set(subject, { request, resolve, reject });
      this.jail.send(FrameKind.spawn, subject, encodeJson(request.spawn));
    });
  }

  /** Connects to a port on the sandbox's loopback interface. @throws StartRefused if nothing listens */
  dial(port: number): Promise<GuestConnection> {
    if (this.#dialing.size >= MAX_PENDING || !this.jail.isWritable) {
      const message = 'too many connections to the sandbox are opening: try again later';
      return Promise.reject(new StartRefused({ reason: 'limit', message }));
    }
    const subject = this.#nextSubject();
    const payload = Buffer.allocUnsafe(2);
    payload.writeUInt16BE(port, 0);
    return new Promise((resolve, reject) => {
      this.#dialing.set(subject, { resolve, reject });
      this.jail.send(FrameKind.dial, subject, payload);
    });
  }

  /** Finds a process by its pid inside the sandbox, or the latest with a tag. */
  find(selector: ProcessSelector): GuestProcess | undefined {
    return [...this.processes.values()].findLast(matching(selector));
  }

  /**
   * Finds an ended process by its pid or the latest with a tag, unless a living one matches: one whose output others hold
   * open, or one that ended within the last 10 minutes.
   */
  findEnded(selector: ProcessSelector): GuestProcess | undefined {
    const isMatch = matching(selector);
    const held = [...this.#held.values()].findLast(isMatch);
    if (held || this.find(selector)) return held;
    const ended = [...this.#past.keys()].findLast(isMatch);
    return ended && performance.now() - (this.#past.get(ended) ?? 0) < ENDED_KEPT_MS ? ended : undefined;
  }

  #nextSubject(): number {
    this.#lastSubject = this.#lastSubject >= MAX_SUBJECT ? 1 : this.#lastSubject + 1;
    return this.#lastSubject;
  }

  /** Handles untrusted input. Throwing ends the jail. Frames for unknown subjects are ignored, as these may have ended. */
  #receive({ kind, subject, payload }: Frame): void {
    this.receivedFrames += 1;
    if (kind === FrameKind.started) this.#started(subject, payload);
    else if (kind === FrameKind.refused) this.#refused(subject, payload);
    else if (kind === FrameKind.stdout) this.#wrote(subject, 'stdout', payload);
    else if (kind === FrameKind.stderr) this.#wrote(subject, 'stderr', payload);
    else if (kind === FrameKind.output) this.#wrote(subject, 'pty', payload);
    else if (kind === FrameKind.accepted) this.#inputAccepted(subject);
    else if (kind === FrameKind.finish) this.#connections.get(subject)?.receiveEnd();
    else if (kind === FrameKind.ended) this.#ended(subject, payload);
    else if (kind === FrameKind.exited) this.#exited(subject, payload);
    else throw new RangeError(`unknown frame kind: ${kind}`);
  }

  #started(subject: number, payload: Buffer): void {
    const dialed = this.#dialing.get(subject);
    if (dialed) {
      this.#dialing.delete(subject);
      const connection = new GuestConnection(this.jail, subject, () => this.#connections.delete(subject));
      this.#connections.set(subject, connection);
      dialed.resolve(connection);
      return;
    }
    const pending = this.#pending.get(subject);
    if (!pending) return;
    const pid = payload.readUInt32BE(0);
    const isTaken = [...this.processes.values()].some((process) => process.pid === pid);
    if (pid < 1 || pid > MAX_PID || isTaken) throw new RangeError(`invalid or duplicate pid: ${pid}`);
    this.#pending.delete(subject);
    const { config, tag, spawn, isHidden = false } = pending.request;
    const hasPty = spawn.pty !== null;
    const process = new GuestProcess(this.jail, subject, pid, config, tag, hasPty, spawn.stdin, isHidden);
    this.processes.set(subject, process);
    if (!isHidden) this.#logs.set(subject, this.#options.openLog(process));
    pending.resolve({ process, reader: process.read() });
    this.#options.onChange();
  }

  #refused(subject: number, payload: Buffer): void {
    const waiting = this.#pending.get(subject) ?? this.#dialing.get(subject);
    this.#pending.delete(subject);
    this.#dialing.delete(subject);
    waiting?.reject(new StartRefused(RefusalReport.parse(JSON.parse(payload.toString('utf8')))));
  }

  #wrote(subject: number, output: OutputKind, bytes: Buffer): void {
    const process = this.processes.get(subject) ?? this.#held.get(subject);
    if (!process) {
      this.#connections.get(subject)?.receive(bytes);
      return;
    }
    // Terminal output is not logged, because it contains keyboard input.
    if (output !== 'pty') this.#logs.get(subject)?.wrote(output, bytes);
    process.receive(output, bytes);
  }

  #inputAccepted(subject: number): void {
    this.processes.get(subject)?.inputAccepted();
    this.#connections.get(subject)?.inputAccepted();
  }

  #exited(subject: number, payload: Buffer): void {
    const process = this.processes.get(subject);
    if (!process) return;
    const status = process.exitAs(JSON.parse(payload.toString('utf8')));
    this.processes.delete(subject);
    this.#held.set(subject, process);
    this.#logs.get(subject)?.ended(status);
    // The agent closes the oldest itself, unless it has been taken over.
    const [oldest] = this.#held.values();
    if (oldest && this.#held.size > MAX_HELD) this.#endHeld(oldest);
    this.#options.onChange();
  }

  #ended(subject: number, payload: Buffer): void {
    const held = this.#held.get(subject);
    if (held) {
      held.endAs(JSON.parse(payload.toString('utf8')));
      this.#release(held);
      return;
    }
    const process = this.processes.get(subject);
    if (!process) {
      this.#connections.get(subject)?.receiveClose();
      return;
    }
    this.#settle(process, process.endAs(JSON.parse(payload.toString('utf8'))));
    this.#options.onChange();
  }

  #settle(process: GuestProcess, status: ExitStatus): void {
    this.processes.delete(process.subject);
    this.#logs.get(process.subject)?.ended(status);
    this.#logs.delete(process.subject);
    this.#keepEnded(process);
  }

  #keepEnded(process: GuestProcess): void {
    this.#past.set(process, performance.now());
    const [oldest] = this.#past.keys();
    if (oldest && this.#past.size > MAX_ENDED) this.#past.delete(oldest);
  }

  #endHeld(held: GuestProcess): void {
    held.end(held.status ?? KILLED);
    this.#release(held);
  }

  #release(held: GuestProcess): void {
    this.#held.delete(held.subject);
    this.#keepEnded(held);
    this.#logs.get(held.subject)?.flush();
    this.#logs.delete(held.subject);
  }

  #endAll(): void {
    const gone = () => new StartRefused({ reason: 'internal', message: 'the sandbox has stopped' });
    for (const waiting of [...this.#pending.values(), ...this.#dialing.values()]) waiting.reject(gone());
    this.#pending.clear();
    this.#dialing.clear();
    for (const process of [...this.processes.values()]) this.#settle(process, process.end(KILLED));
    for (const held of [...this.#held.values()]) this.#endHeld(held);
    for (const connection of [...this.#connections.values()]) connection.receiveClose();
    this.#options.onChange();
  }
}

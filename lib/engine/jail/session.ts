import { z } from 'zod';
import { type ExitStatus, KILLED } from './exit-status';
import { encodeJson, type Frame, FrameKind, type Refusal, type SpawnOrder } from './frames';
import { GuestConnection } from './guest-connection';
import { GuestProcess, type OutputKind, type ProcessConfig, type ProcessReader } from './guest-process';
import { Jail, type JailOptions } from './jail';
import type { OutputLog } from './output-log';

/** Processes that may be asked for but not started yet; more are refused. */
const PENDING_LIMIT = 512;
const MAX_PID = 4_194_304;
const MAX_SUBJECT = 0xffff_ffff;

export type StartOrder = {
  readonly spawn: SpawnOrder;
  readonly config: ProcessConfig;
  readonly tag: string | undefined;
};

export type StartedProcess = { readonly process: GuestProcess; readonly reader: ProcessReader };

/** The process could not be started, in the agent's words. */
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
type PendingProcess = Waiting<StartedProcess> & { order: StartOrder };

export type SessionOptions = Omit<JailOptions, 'onFrame'> & {
  /** The log of a process that has just been started. */
  openLog(process: GuestProcess): OutputLog;
  /** The set of live processes has changed. */
  onChange(): void;
};

/** One start of a sandbox's jail with everything that lives in it. Whatever ends the jail ends all of it. */
export class Session {
  readonly #options: SessionOptions;
  readonly openedAtMs = performance.now();
  readonly processes = new Map<number, GuestProcess>();
  readonly #logs = new Map<number, OutputLog>();
  readonly #pending = new Map<number, PendingProcess>();
  readonly #dialling = new Map<number, Waiting<GuestConnection>>();
  readonly #connections = new Map<number, GuestConnection>();
  /** How often the agent has spoken. */
  heardFrames = 0;
  #lastSubject = 0;
  #_jail: Jail | undefined;

  private constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** @throws when the jail does not come up */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    session.#_jail = await Jail.start({ ...options, onFrame: (frame) => session.#receive(frame) });
    void session.jail.ended.then(() => session.#endAll());
    return session;
  }

  get jail(): Jail {
    if (!this.#_jail) throw new Error('the sandbox has not started');
    return this.#_jail;
  }

  /** Resolves with the process and a reader that misses nothing. @throws StartRefused */
  start(order: StartOrder): Promise<StartedProcess> {
    if (this.#pending.size >= PENDING_LIMIT || !this.jail.isReceptive) {
      const message = 'the sandbox does not keep up with the commands it is given';
      return Promise.reject(new StartRefused({ reason: 'limit', message }));
    }
    const subject = this.#nextSubject();
    return new Promise((resolve, reject) => {
      this.#pending.set(subject, { order, resolve, reject });
      this.jail.send(FrameKind.spawn, subject, encodeJson(order.spawn));
    });
  }

  /** A connection to `port` on the sandbox's loopback interface. @throws StartRefused when nothing listens */
  dial(port: number): Promise<GuestConnection> {
    const subject = this.#nextSubject();
    const payload = Buffer.allocUnsafe(2);
    payload.writeUInt16BE(port, 0);
    return new Promise((resolve, reject) => {
      this.#dialling.set(subject, { resolve, reject });
      this.jail.send(FrameKind.dial, subject, payload);
    });
  }

  /** By number as seen inside, or by tag; of several with a tag the latest. */
  find(selector: { pid?: number | undefined; tag?: string | undefined }): GuestProcess | undefined {
    const all = [...this.processes.values()];
    if (selector.pid !== undefined) return all.find((process) => process.pid === selector.pid);
    return all.findLast((process) => process.tag === selector.tag);
  }

  #nextSubject(): number {
    this.#lastSubject = this.#lastSubject >= MAX_SUBJECT ? 1 : this.#lastSubject + 1;
    return this.#lastSubject;
  }

  /** Everything in here is the sandbox's word. Throwing ends the jail; unknown subjects are over and do not matter. */
  #receive({ kind, subject, payload }: Frame): void {
    this.heardFrames += 1;
    if (kind === FrameKind.started) this.#started(subject, payload);
    else if (kind === FrameKind.refused) this.#refused(subject, payload);
    else if (kind === FrameKind.stdout) this.#wrote(subject, 'stdout', payload);
    else if (kind === FrameKind.stderr) this.#wrote(subject, 'stderr', payload);
    else if (kind === FrameKind.output) this.#wrote(subject, 'pty', payload);
    else if (kind === FrameKind.taken) this.#taken(subject);
    else if (kind === FrameKind.finish) this.#connections.get(subject)?.receiveEnd();
    else if (kind === FrameKind.ended) this.#ended(subject, payload);
    else throw new RangeError(`a frame of kind ${kind}`);
  }

  #started(subject: number, payload: Buffer): void {
    const dialled = this.#dialling.get(subject);
    if (dialled) {
      this.#dialling.delete(subject);
      const connection = new GuestConnection(this.jail, subject, () => this.#connections.delete(subject));
      this.#connections.set(subject, connection);
      dialled.resolve(connection);
      return;
    }
    const pending = this.#pending.get(subject);
    if (!pending) return;
    const pid = payload.readUInt32BE(0);
    if (pid < 1 || pid > MAX_PID || this.find({ pid })) throw new RangeError(`a process numbered ${pid}`);
    this.#pending.delete(subject);
    const { config, tag, spawn } = pending.order;
    const process = new GuestProcess(this.jail, subject, pid, config, tag, spawn.pty !== null, spawn.stdin);
    this.processes.set(subject, process);
    this.#logs.set(subject, this.#options.openLog(process));
    pending.resolve({ process, reader: process.read() });
    this.#options.onChange();
  }

  #refused(subject: number, payload: Buffer): void {
    const waiting = this.#pending.get(subject) ?? this.#dialling.get(subject);
    this.#pending.delete(subject);
    this.#dialling.delete(subject);
    waiting?.reject(new StartRefused(RefusalReport.parse(JSON.parse(payload.toString('utf8')))));
  }

  #wrote(subject: number, output: OutputKind, bytes: Buffer): void {
    const process = this.processes.get(subject);
    if (!process) {
      this.#connections.get(subject)?.receive(bytes);
      return;
    }
    // Not of a terminal: it shows what people type.
    if (output !== 'pty') this.#logs.get(subject)?.wrote(output, bytes);
    process.receive(output, bytes);
  }

  #taken(subject: number): void {
    this.processes.get(subject)?.inputWasTaken();
    this.#connections.get(subject)?.inputWasTaken();
  }

  #ended(subject: number, payload: Buffer): void {
    const process = this.processes.get(subject);
    if (!process) {
      this.#connections.get(subject)?.over();
      return;
    }
    this.#settle(process, process.endAs(JSON.parse(payload.toString('utf8'))));
    this.#options.onChange();
  }

  #settle(process: GuestProcess, status: ExitStatus): void {
    this.processes.delete(process.subject);
    this.#logs.get(process.subject)?.ended(status);
    this.#logs.delete(process.subject);
  }

  #endAll(): void {
    const gone = () => new StartRefused({ reason: 'internal', message: 'the sandbox has stopped' });
    for (const waiting of [...this.#pending.values(), ...this.#dialling.values()]) waiting.reject(gone());
    this.#pending.clear();
    this.#dialling.clear();
    for (const process of [...this.processes.values()]) this.#settle(process, process.end(KILLED));
    for (const connection of [...this.#connections.values()]) connection.over();
    this.#options.onChange();
  }
}

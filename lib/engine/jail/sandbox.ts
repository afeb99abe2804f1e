import type { Guest, GuestSink } from '../guests';
import type { GuestRoot } from '../safe-fs/guest-root';
import type { JailTools } from './bubblewrap';
import type { Cgroups } from './cgroups';
import type { GuestConnection } from './guest-connection';
import type { GuestProcess } from './guest-process';
import type { LimitGroups, Limits } from './limit-groups';
import { LogBudget, OutputLog } from './output-log';
import { PausableTimer } from './pausable-timer';
import { ProcessRecordFile, readBootId } from './process-record';
import { Session, type StartedProcess, StartRefused, type StartRequest } from './session';

export type SandboxOptions = {
  readonly tools: JailTools;
  readonly hostNetwork: boolean;
  readonly cgroups: Cgroups | null;
  readonly limitGroups: LimitGroups | null;
  readonly limits: Limits;
  readonly sink: GuestSink;
  /** Called before each start of a process. Default: nothing. */
  beforeStart?(): Promise<void>;
  /** Time after a process's deadline until the whole sandbox is killed. Default: 3 s. */
  readonly overdueMs?: number | undefined;
  /** Time without a frame from the agent, during the start of a process, until the sandbox is killed. Default: 10 s. */
  readonly silentMs?: number | undefined;
};

/** The event that may start processes again. For `next engine`, the process record is kept for it to log. */
export type KillUntil = 'next command' | 'next engine' | 'never';

/** In a log entry. */
const MAX_COMMAND_CHARS = 4_096;
const SIGKILL = 9;
const OVERDUE_MS = 3_000;
const SILENT_MS = 10_000;

/** The processes of one sandbox over its lifetime. A command opens a session if none is open. */
export class Sandbox {
  readonly #guest: Guest;
  readonly #options: SandboxOptions;
  readonly #budget = new LogBudget();
  readonly #record: ProcessRecordFile;
  /** Deadlines of processes and of pending starts, paused while the sandbox is frozen. */
  readonly #timers = new Map<GuestProcess | symbol, PausableTimer>();
  #opening: Promise<Session> | null = null;
  #session: Session | null = null;
  #isFrozen = false;
  /** A copy of the files that starts must wait for. */
  #held: Promise<void> | null = null;
  #isKilled = false;
  #keepsRecord = false;

  constructor(guest: Guest, options: SandboxOptions) {
    this.#guest = guest;
    this.#options = options;
    this.#record = new ProcessRecordFile(guest.dataDir);
  }

  get running(): Session | null {
    return this.#session;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /**
   * Starts a process, and the sandbox's session if none is open.
   * @param deadlineMs Unix time in ms at which the process is killed, or null for never
   * @throws StartRefused, or an error with a message for people if the sandbox does not start
   */
  async start(root: GuestRoot, request: StartRequest, deadlineMs: number | null): Promise<StartedProcess> {
    const session = await this.#open(root);
    await this.#options.beforeStart?.();
    const started = await this.#awaitReply(session, session.start(request));
    if (deadlineMs !== null) this.#setDeadline(started, deadlineMs);
    return started;
  }

  /** Connects to a server inside. @throws StartRefused if nothing listens on the port */
  async dial(port: number): Promise<GuestConnection> {
    if (!this.#session) throw new StartRefused({ reason: 'exec', message: 'port is not open' });
    return await this.#session.dial(port);
  }

  /** Stops every process. @throws if that fails; all processes then run again */
  async freeze(): Promise<void> {
    this.#isFrozen = true;
    for (const timer of this.#timers.values()) timer.pause();
    const session = await this.#opening?.catch(() => null);
    try {
      await session?.jail.freeze();
    } catch (error) {
      // The session has ended, so nothing can run.
      if (!this.#session) return;
      await this.thaw();
      throw error;
    }
  }

  async thaw(): Promise<void> {
    await this.#session?.jail.thaw();
    this.#isFrozen = false;
    for (const timer of this.#timers.values()) timer.resume();
  }

  /** Runs `work` while every process is frozen. A command that is received meanwhile starts afterwards. */
  async whileFrozen(work: () => Promise<void>): Promise<void> {
    let release = () => {};
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await this.freeze();
      try {
        await work();
      } finally {
        await this.thaw();
      }
    } finally {
      this.#held = null;
      release();
    }
  }

  /** Resolves when no process is left. */
  async kill(until: KillUntil): Promise<void> {
    this.#isKilled ||= until !== 'next command';
    this.#keepsRecord ||= until === 'next engine';
    const session = this.#session ?? (await this.#opening?.catch(() => null));
    await session?.jail.kill();
    this.#isFrozen = false;
  }

  async #open(root: GuestRoot): Promise<Session> {
    await this.#held;
    // A command received while a session ends runs in the next one.
    while (this.#session?.jail.isEnding) await this.#session.jail.ended;
    this.#requireReady();
    this.#opening ??= this.#openSession(root);
    const session = await this.#opening;
    await this.#held;
    this.#requireReady();
    return session;
  }

  #requireReady(): void {
    if (!this.#isFrozen && !this.#isKilled) return;
    throw new StartRefused({ reason: 'internal', message: 'the sandbox is not running' });
  }

  async #openSession(root: GuestRoot): Promise<Session> {
    try {
      const session = await Session.open({
        ...this.#options,
        hostNetwork: this.#options.hostNetwork && this.#guest.allowInternetAccess,
        hasMemoryGroup: this.#options.limitGroups?.limits('memory') ?? false,
        rootDir: root.rootDir,
        hasRoot: root.rootIds != null,
        root,
        openLog: (process) => this.#openLog(process),
        onChange: () => this.#handleProcessChange(),
      });
      this.#session = session;
      this.#record.open(this.#describe(session));
      void session.jail.ended.then(() => this.#forget(session));
      return session;
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }

  #forget(session: Session): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.#opening = null;
    // The next engine logs their end, because this one's log ends with it.
    if (!this.#keepsRecord) this.#record.remove();
  }

  #openLog(process: GuestProcess): OutputLog {
    const record = this.#options.sink.recordLog.bind(this.#options.sink, this.#guest.id);
    const log = new OutputLog(record, this.#budget, process.pid);
    log.started(commandOf(process));
    return log;
  }

  #handleProcessChange(): void {
    if (this.#session && !this.#isKilled) this.#record.update(this.#describe(this.#session));
    for (const [process, timer] of this.#timers) {
      if (typeof process === 'symbol' || !process.status) continue;
      timer.cancel();
      this.#timers.delete(process);
    }
  }

  #describe(session: Session) {
    const { pid, startTicks } = session.jail.init;
    const processes = [...session.processes.values()].map((process) => ({
      pid: process.pid,
      command: commandOf(process),
    }));
    return { bootId: readBootId(), initPid: pid, initStartTicks: startTicks, processes };
  }

  #setDeadline({ process }: StartedProcess, deadlineMs: number): void {
    if (process.status) return;
    this.#startTimer(process, deadlineMs - Date.now(), () => this.#expire(process));
  }

  /** Kills the session if its agent stays silent, which it does when the sandbox has stopped it. */
  async #awaitReply<T>(session: Session, reply: Promise<T>): Promise<T> {
    const key = Symbol('start');
    const wait = () => {
      const receivedFrames = session.receivedFrames;
      this.#startTimer(key, this.#options.silentMs ?? SILENT_MS, () => {
        if (session.receivedFrames === receivedFrames) void session.jail.kill();
        else wait();
      });
    };
    wait();
    try {
      return await reply;
    } finally {
      this.#timers.get(key)?.cancel();
      this.#timers.delete(key);
    }
  }

  #startTimer(key: GuestProcess | symbol, leftMs: number, expire: () => void): void {
    const timer = new PausableTimer(leftMs, expire);
    if (this.#isFrozen) timer.pause();
    this.#timers.set(key, timer);
  }

  /** Kills the process, or the whole session if its agent does not deliver the signal. */
  #expire(process: GuestProcess): void {
    const session = this.#session;
    process.isExpired = true;
    process.signal(SIGKILL);
    const timer = setTimeout(() => {
      if (!process.status && !this.#isFrozen) void session?.jail.kill();
    }, this.#options.overdueMs ?? OVERDUE_MS);
    timer.unref();
  }
}

function commandOf({ config }: GuestProcess): string {
  return [config.cmd, ...config.args].join(' ').slice(0, MAX_COMMAND_CHARS);
}

import type { Guest, GuestSink } from '../guests';
import type { GuestRoot } from '../safe-fs/guest-root';
import type { JailTools } from './bubblewrap';
import type { Cgroups } from './cgroups';
import type { GuestConnection } from './guest-connection';
import type { GuestProcess } from './guest-process';
import { LifeLimit } from './life-limit';
import { LifelineFile, readBootId } from './lifeline';
import { LogBudget, OutputLog } from './output-log';
import { Session, type StartedProcess, type StartOrder, StartRefused } from './session';

export type SandboxOptions = {
  readonly tools: JailTools;
  readonly hostNetwork: boolean;
  readonly cgroups: Cgroups | null;
  readonly sink: GuestSink;
  /** How long a process may outlive its deadline, ms. Default: 3 s. */
  readonly overdueMs?: number | undefined;
  /** How long the agent may send nothing at all while it is to start a process, ms. Default: 10 s. */
  readonly silentMs?: number | undefined;
};

/** How long nothing may run: for good, or until something else is there to answer for it. */
export type KillUntil = 'next command' | 'next engine' | 'never';

/** Longest command line in a log entry. */
const COMMAND_CHARS = 4_096;
const SIGKILL = 9;
const OVERDUE_MS = 3_000;
const SILENT_MS = 10_000;

/**
 * The processes of one sandbox over its whole life: none until the first command, then one session; a new one when
 * that has ended.
 */
export class Sandbox {
  readonly #guest: Guest;
  readonly #options: SandboxOptions;
  #opening: Promise<Session> | null = null;
  #session: Session | null = null;
  #isHeld = false;
  #isOver = false;
  #isNoted = false;
  /** By the process, or by the start, that is limited. */
  readonly #limits = new Map<GuestProcess | symbol, LifeLimit>();
  readonly #budget = new LogBudget();
  readonly #lifeline: LifelineFile;

  constructor(guest: Guest, options: SandboxOptions) {
    this.#guest = guest;
    this.#options = options;
    this.#lifeline = new LifelineFile(guest.dataDir);
  }

  /** What runs now; null while nothing does. */
  get running(): Session | null {
    return this.#session;
  }

  get isFrozen(): boolean {
    return this.#isHeld;
  }

  /**
   * Starts a process, and first the sandbox where it is not started.
   * @param deadlineMs when the process is killed (epoch, ms); null: never
   * @throws StartRefused, or an error with one sentence when the sandbox does not start
   */
  async start(root: GuestRoot, order: StartOrder, deadlineMs: number | null): Promise<StartedProcess> {
    const session = await this.#open(root);
    const started = await this.#answerOf(session, session.start(order));
    if (deadlineMs !== null) this.#limit(started, deadlineMs);
    return started;
  }

  /** A connection to one of its own servers. @throws StartRefused when nothing listens there */
  async dial(port: number): Promise<GuestConnection> {
    // Nothing can listen where nothing runs.
    if (!this.#session) throw new StartRefused({ reason: 'exec', message: 'port is not open' });
    return await this.#session.dial(port);
  }

  /** Makes every process stand still. @throws when that fails; everything runs on then */
  async freeze(): Promise<void> {
    this.#isHeld = true;
    for (const limit of this.#limits.values()) limit.hold();
    const session = await this.#opening?.catch(() => null);
    try {
      await session?.jail.freeze();
    } catch (error) {
      // Ended meanwhile: nothing is left that could run.
      if (!this.#session) return;
      await this.thaw();
      throw error;
    }
  }

  async thaw(): Promise<void> {
    await this.#session?.jail.thaw();
    this.#isHeld = false;
    for (const limit of this.#limits.values()) limit.go();
  }

  /** Ends every process. Resolves when none is left. */
  async kill(until: KillUntil): Promise<void> {
    this.#isOver ||= until !== 'next command';
    this.#isNoted ||= until === 'next engine';
    const session = this.#session ?? (await this.#opening?.catch(() => null));
    await session?.jail.kill();
    this.#isHeld = false;
  }

  async #open(root: GuestRoot): Promise<Session> {
    // A command that comes while the last session ends belongs to the next.
    while (this.#session?.jail.isEnding) await this.#session.jail.ended;
    this.#requireReady();
    this.#opening ??= this.#openSession(root);
    const session = await this.#opening;
    this.#requireReady();
    return session;
  }

  #requireReady(): void {
    if (!this.#isHeld && !this.#isOver) return;
    throw new StartRefused({ reason: 'internal', message: 'the sandbox is not running' });
  }

  async #openSession(root: GuestRoot): Promise<Session> {
    try {
      const session = await Session.open({
        ...this.#options,
        hostNetwork: this.#options.hostNetwork && this.#guest.allowInternetAccess,
        rootDir: root.rootDir,
        id: this.#guest.id,
        root,
        openLog: (process) => this.#openLog(process),
        onChange: () => this.#note(),
      });
      this.#session = session;
      this.#lifeline.open(this.#describe(session));
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
    // The next engine says in the log that they ended, since the log of this one goes with it.
    if (!this.#isNoted) this.#lifeline.cut();
  }

  #openLog(process: GuestProcess): OutputLog {
    const record = this.#options.sink.recordLog.bind(this.#options.sink, this.#guest.id);
    const log = new OutputLog(record, this.#budget, process.pid);
    log.started(commandOf(process));
    return log;
  }

  #note(): void {
    if (this.#session && !this.#isOver) this.#lifeline.update(this.#describe(this.#session));
    for (const [process, limit] of this.#limits) {
      if (typeof process === 'symbol' || !process.status) continue;
      limit.cancel();
      this.#limits.delete(process);
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

  #limit({ process }: StartedProcess, deadlineMs: number): void {
    if (process.status) return;
    this.#setLimit(process, deadlineMs - Date.now(), () => this.#expire(process));
  }

  /** An agent that the sandbox has stopped starts nothing any more: then everything goes, and the next start works. */
  async #answerOf<T>(session: Session, answer: Promise<T>): Promise<T> {
    const key = Symbol('start');
    const wait = () => {
      const heard = session.heardFrames;
      this.#setLimit(key, this.#options.silentMs ?? SILENT_MS, () => {
        if (session.heardFrames === heard) void session.jail.kill();
        else wait();
      });
    };
    wait();
    try {
      return await answer;
    } finally {
      this.#limits.get(key)?.cancel();
      this.#limits.delete(key);
    }
  }

  #setLimit(key: GuestProcess | symbol, leftMs: number, expire: () => void): void {
    const limit = new LifeLimit(leftMs, expire);
    if (this.#isHeld) limit.hold();
    this.#limits.set(key, limit);
  }

  /** An agent that the sandbox has stopped kills nobody: then everything goes. */
  #expire(process: GuestProcess): void {
    const session = this.#session;
    process.isExpired = true;
    process.signal(SIGKILL);
    const timer = setTimeout(() => {
      if (!process.status && !this.#isHeld) void session?.jail.kill();
    }, this.#options.overdueMs ?? OVERDUE_MS);
    timer.unref();
  }
}

function commandOf({ config }: GuestProcess): string {
  return [config.cmd, ...config.args].join(' ').slice(0, COMMAND_CHARS);
}

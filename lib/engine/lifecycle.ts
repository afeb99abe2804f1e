import type { Dialect } from './dialect';
import { ApiError } from './http';
import { type SandboxRecord, wakesByTraffic } from './record';
import type { Registry } from './registry';
import type { NewSandbox, Span, Transitions } from './transitions';

export type Limits = { maxRunning: number; maxLengthMs: number };

/** Timeout of a sandbox whose caller named none (docs/protocol.md#timeouts). */
const DEFAULT_TIMEOUT_S = 15;

/** Timeout of a resume by traffic: that of the creation, but long enough to serve the request. */
const MIN_WAKE_TIMEOUT_MS = 60_000;
const DEFAULT_WAKE_TIMEOUT_MS = 300_000;

type Step = 'pause' | 'resume' | 'copy' | 'kill';
type Connected = { record: SandboxRecord; resumed: boolean };
type PendingStep = { step: Step; done: Promise<SandboxRecord | null> };

/** Delay after a failed expiry, for example on a full disk. */
const RETRY_EXPIRY_MS = 1_000;

const notFound = (id: string) =>
  new ApiError(404, `sandbox "${id}" doesn't exist or you don't have access to it`);

/** E2B answers 409 while a sandbox changes its state, where Moru does not find it (docs/protocol.md#state-matrix). */
function changing({ id, state }: SandboxRecord, dialect: Dialect, action: string): ApiError {
  const isChanging = state === 'pausing' || state === 'killing';
  if (dialect !== 'e2b' || !isChanging) return notFound(id);
  return new ApiError(409, `Sandbox '${id}' cannot be ${action} while in '${state}' state`);
}

export type PauseOptions = {
  /** Whether the processes are kept. Default: true. */
  keepsMemory?: boolean | undefined;
  dialect?: Dialect;
};
export type WakeOptions = {
  timeoutS?: number | undefined;
  /** Whether the processes are kept. Default: true. */
  keepsMemory?: boolean | undefined;
  dialect?: Dialect;
};

/**
 * Decides which step a sandbox may take (docs/protocol.md#state-matrix). Each sandbox takes one step at a time. Other
 * requests join the pending step, wait for it or fail.
 */
export class Lifecycle {
  readonly #registry: Registry;
  readonly #transitions: Transitions;
  readonly #limits: Limits;
  readonly #warn: (message: string) => void;
  readonly #pending = new Map<string, PendingStep>();
  readonly #copies = new Map<string, AbortController>();
  /** Sandboxes being created or resumed. They count towards the limit before they run. */
  #starting = 0;
  #expiryPausedUntilMs = 0;

  constructor(registry: Registry, transitions: Transitions, limits: Limits, warn: (message: string) => void) {
    this.#registry = registry;
    this.#transitions = transitions;
    this.#limits = limits;
    this.#warn = warn;
  }

  /** @throws ApiError 400 for a timeout over the maximum, 429 at the limit of running sandboxes, 500 if the start fails. */
  async create(input: NewSandbox, timeoutS?: number): Promise<SandboxRecord> {
    const timeoutMs = this.#timeoutMs(timeoutS);
    const span = (startedAtMs = Date.now()): Span => ({ startedAtMs, endAtMs: startedAtMs + timeoutMs });
    return this.#startWithinLimit(() => this.#transitions.create(input, () => span()));
  }

  /** Creates a sandbox of the demo fleet with a start in the past, paused if `pausedAtMs` is given. */
  async createAged(
    input: NewSandbox,
    { pausedAtMs, ...span }: Span & { pausedAtMs?: number },
  ): Promise<void> {
    const create = () => this.#transitions.create(input, () => span);
    if (pausedAtMs === undefined) {
      await this.#startWithinLimit(create);
    } else {
      // The limit does not apply, because the sandbox never counts as running.
      const record = await create();
      await this.#take(record.id, 'pause', () => this.#transitions.pause(record, true, pausedAtMs));
    }
  }

  /** @throws ApiError 404, 409 if already paused, 500 if the pause fails (docs/protocol.md#failed-pauses). */
  async pause(id: string, { keepsMemory = true, dialect = 'moru' }: PauseOptions = {}): Promise<void> {
    for (;;) {
      const record = this.#mustGet(id);
      const pending = this.#pending.get(id);
      if (pending?.step === 'pause') return void (await pending.done);
      if (pending?.step === 'resume' || pending?.step === 'copy') await settled(pending);
      else if (record.state === 'running') {
        return void (await this.#take(id, 'pause', () => this.#transitions.pause(record, keepsMemory)));
      } else if (record.state === 'paused' || record.snapshot !== null) {
        throw new ApiError(409, `Error pausing sandbox - sandbox '${id}' is already paused`);
      } else throw changing(record, dialect, 'paused');
    }
  }

  /**
   * Resumes a paused sandbox. A concurrent call joins the first one, with the first one's options. `autoPause` defaults
   * to its value at the pause.
   * @throws ApiError 400 for a timeout over the maximum, 404, 409 if running, 429, 500.
   */
  async resume(id: string, options: WakeOptions & { autoPause?: boolean | undefined }) {
    const timeoutMs = this.#timeoutMs(options.timeoutS);
    const { record } = await this.#whenSteady(id, options, (steady) => {
      if (steady.state === 'running') throw new ApiError(409, `Sandbox ${id} is already running`);
      return this.#startResume(steady, timeoutMs, options);
    });
    return record;
  }

  /**
   * Resumes a paused sandbox, or extends the deadline of a running one to at least `timeoutS` from now.
   * @throws ApiError 400 for a timeout over the maximum, 404, 429, 500.
   */
  async connect(id: string, options: WakeOptions = {}): Promise<Connected> {
    const timeoutMs = this.#timeoutMs(options.timeoutS);
    return this.#whenSteady(id, options, (steady) =>
      steady.state === 'running'
        ? { record: this.#extend(steady, timeoutMs), resumed: false }
        : this.#startResume(steady, timeoutMs, options),
    );
  }

  /**
   * Resumes a paused sandbox for a request to it (docs/protocol.md#auto-resume).
   * @returns the running sandbox; null if traffic does not resume it.
   * @throws ApiError 429, 500.
   */
  async wakeForTraffic(id: string): Promise<SandboxRecord | null> {
    const wake = (steady: SandboxRecord): Connected | Promise<Connected> => {
      if (steady.state === 'running') return { record: steady, resumed: false };
      if (!wakesByTraffic(steady)) throw notFound(id);
      const wantedMs = Math.max(steady.timeoutMs ?? DEFAULT_WAKE_TIMEOUT_MS, MIN_WAKE_TIMEOUT_MS);
      return this.#startResume(steady, Math.min(wantedMs, this.#limits.maxLengthMs), {});
    };
    try {
      return (await this.#whenSteady(id, {}, wake)).record;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /**
   * Copies the files of a running sandbox to the new directory `target`. The sandbox keeps running.
   * @throws ApiError 404, 409 if paused or changing, 500 or 507 if the copy fails.
   */
  async saveFiles(id: string, target: string, action: string): Promise<SandboxRecord> {
    for (;;) {
      const record = this.#mustGet(id);
      const pending = this.#pending.get(id);
      if (pending !== undefined && pending.step !== 'kill') await settled(pending);
      else if (record.state !== 'running') throw unsaved(record, action);
      else {
        return await this.#copy(record, target);
      }
    }
  }

  /** @throws ApiError 400 for a timeout over the maximum. */
  requireTimeout(timeoutS: number): void {
    this.#timeoutMs(timeoutS);
  }

  /**
   * Moves the deadline, at most to the end of the maximum length. 0 expires the sandbox now.
   * @throws ApiError 404 unless it runs, 400 if the maximum length has passed.
   */
  setTimeout(id: string, timeoutS: number, dialect: Dialect = 'moru'): void {
    const record = this.#mustRun(id, dialect);
    const endAtMs = Math.min(Date.now() + timeoutS * 1000, this.#maxEndAtMs(record));
    this.#transitions.update(record, { endAtMs });
  }

  /** Extends the deadline to at least `durationS` from now. @throws ApiError like `setTimeout`. */
  refresh(id: string, durationS: number, dialect: Dialect = 'moru'): void {
    this.#extend(this.#mustRun(id, dialect), durationS * 1000);
  }

  /** Replaces fields of a running sandbox that no step changes. @throws ApiError 404 or 409 unless it runs. */
  change(
    id: string,
    change: (running: SandboxRecord) => Pick<SandboxRecord, 'allowInternetAccess' | 'network'>,
  ): void {
    const record = this.#mustGet(id);
    if (record.state !== 'running') throw unsaved(record, 'updated');
    this.#transitions.update(record, change(record));
  }

  /**
   * Kills the sandbox and its snapshots, after any pending step.
   * @throws ApiError 404, 500 if its files remain: it stays hidden and can be killed again.
   */
  async kill(id: string): Promise<void> {
    for (let joined = false; ; ) {
      const pending = this.#pending.get(id);
      const record = this.#registry.get(id);
      if (pending !== undefined) {
        joined ||= pending.step === 'kill';
        // Copying may take minutes.
        this.#copies.get(id)?.abort();
        await settled(pending);
      } else if (record !== undefined) {
        return void (await this.#take(id, 'kill', () => this.#transitions.kill(record, 'killed')));
      } else if (joined) return;
      else throw notFound(id);
    }
  }

  /** Pauses or kills the sandboxes past their deadline. */
  async expire(): Promise<void> {
    const now = Date.now();
    if (now < this.#expiryPausedUntilMs) return;
    await Promise.all(this.#registry.overdue(now).map((record) => this.#expireOne(record)));
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#pending.values()].map(settled));
  }

  async #copy(record: SandboxRecord, target: string): Promise<SandboxRecord> {
    const { id } = record;
    const copy = new AbortController();
    const save = async () => {
      await this.#transitions.saveFiles(record, target, copy.signal);
      return record;
    };
    this.#copies.set(id, copy);
    try {
      return await this.#take(id, 'copy', save);
    } catch (error) {
      throw copy.signal.aborted ? notFound(id) : error;
    } finally {
      this.#copies.delete(id);
    }
  }

  async #expireOne(record: SandboxRecord): Promise<void> {
    const { id, snapshot, autoPause, autoPauseMemory = true } = record;
    // Its files are being copied. The next round ends it.
    if (this.#pending.has(id)) return;
    try {
      if (autoPause) await this.#take(id, 'pause', () => this.#transitions.pause(record, autoPauseMemory));
      else if (snapshot === null)
        await this.#take(id, 'kill', () => this.#transitions.kill(record, 'timeout'));
      else await this.#take(id, 'kill', () => this.#transitions.revert(record, snapshot, 'timeout'));
    } catch (error) {
      this.#expiryPausedUntilMs = Date.now() + RETRY_EXPIRY_MS;
      this.#warn(
        `Cannot end sandbox ${id} at its deadline, will retry: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  async #startResume(
    paused: SandboxRecord,
    timeoutMs: number,
    options: { autoPause?: boolean | undefined; keepsMemory?: boolean | undefined },
  ): Promise<Connected> {
    const { autoPause = paused.autoPause, keepsMemory = true } = options;
    const resume = () => this.#transitions.resume(paused, { timeoutMs, autoPause, keepsMemory });
    const record = await this.#take(paused.id, 'resume', () => this.#startWithinLimit(resume));
    return { record, resumed: true };
  }

  /**
   * Waits until the sandbox is running or paused, then calls `act` synchronously: of several callers that wait for a
   * pause, the first resumes and the others join that resume.
   * @throws ApiError 404.
   */
  async #whenSteady(
    id: string,
    { dialect = 'moru' }: WakeOptions,
    act: (record: SandboxRecord) => Connected | Promise<Connected>,
  ): Promise<Connected> {
    for (;;) {
      const record = this.#mustGet(id);
      const pending = this.#pending.get(id);
      if (pending?.step === 'resume') {
        const resumed = await pending.done;
        if (resumed !== null) return { record: resumed, resumed: true };
      } else if (pending?.step === 'pause') await settled(pending);
      else if (record.state === 'killing') throw changing(record, dialect, 'connected to');
      else return act(record);
    }
  }

  /** Runs `act` as the pending step of a sandbox. Its code before the first await runs synchronously. */
  #take<T extends SandboxRecord | null>(id: string, step: Step, act: () => Promise<T>): Promise<T> {
    const done = act().finally(() => this.#pending.delete(id));
    this.#pending.set(id, { step, done });
    return done;
  }

  /** Counts a sandbox towards the limit while `start` runs. @throws ApiError 429. */
  async #startWithinLimit<T>(start: () => Promise<T>): Promise<T> {
    const registry = this.#registry;
    const limits = this.#limits;
    const count = registry.count('running') + registry.count('pausing') + this.#starting;
    if (count >= limits.maxRunning) {
      const reached = `you have reached the maximum number of concurrent sandboxes (${limits.maxRunning})`;
      throw new ApiError(429, `${reached}. Pause or kill one and try again.`);
    }
    this.#starting += 1;
    try {
      return await start();
    } finally {
      this.#starting -= 1;
    }
  }

  #extend(running: SandboxRecord, durationMs: number): SandboxRecord {
    const endAtMs = Math.min(Date.now() + durationMs, this.#maxEndAtMs(running));
    return endAtMs <= running.endAtMs ? running : this.#transitions.update(running, { endAtMs });
  }

  /** The latest possible deadline. @throws ApiError 400 if it has passed. */
  #maxEndAtMs(running: SandboxRecord): number {
    const last = running.startedAtMs + this.#limits.maxLengthMs;
    if (last <= Date.now()) throw new ApiError(400, 'Max instance length exceeded');
    return last;
  }

  #timeoutMs(timeoutS = DEFAULT_TIMEOUT_S): number {
    const { maxLengthMs } = this.#limits;
    if (timeoutS * 1000 <= maxLengthMs) return timeoutS * 1000;
    throw new ApiError(400, `Timeout cannot be greater than ${maxLengthMs / 3_600_000} hours`);
  }

  #mustGet(id: string): SandboxRecord {
    const record = this.#registry.get(id);
    if (record === undefined) throw notFound(id);
    return record;
  }

  #mustRun(id: string, dialect: Dialect): SandboxRecord {
    const record = this.#mustGet(id);
    if (record.state !== 'running') throw changing(record, dialect, 'extended');
    return record;
  }
}

/** The refusal of what only a running sandbox can do, on the routes of E2B alone. */
function unsaved(record: SandboxRecord, action: string): ApiError {
  const { id, state } = record;
  if (state !== 'paused') return changing(record, 'e2b', action);
  return new ApiError(409, `Sandbox '${id}' is paused and cannot be ${action}; resume it first`);
}

const settled = ({ done }: PendingStep) =>
  done.then(
    () => {},
    () => {},
  );

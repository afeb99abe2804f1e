import { ApiError } from './http';
import type { SandboxRecord } from './record';
import type { Registry } from './registry';
import type { NewSandbox, Span, Transitions } from './transitions';

export type Limits = { maxRunning: number; maxLengthMs: number };

/** Timeout of a sandbox whose caller named none (docs/protocol.md#timeouts). */
const DEFAULT_TIMEOUT_S = 15;

type Step = 'pause' | 'resume' | 'kill';
type Connected = { record: SandboxRecord; resumed: boolean };
type PendingStep = { step: Step; done: Promise<SandboxRecord | null> };

/** Delay after a failed expiry, for example on a full disk. */
const RETRY_EXPIRY_MS = 1_000;

const notFound = (id: string) =>
  new ApiError(404, `sandbox "${id}" doesn't exist or you don't have access to it`);

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
      await this.#take(record.id, 'pause', () => this.#transitions.pause(record, pausedAtMs));
    }
  }

  /** @throws ApiError 404, 409 if already paused, 500 if the pause fails (docs/protocol.md#failed-pauses). */
  async pause(id: string): Promise<void> {
    for (;;) {
      const record = this.#mustGet(id);
      const pending = this.#pending.get(id);
      if (pending?.step === 'pause') return void (await pending.done);
      if (pending?.step === 'resume') await settled(pending);
      else if (record.state === 'running') {
        return void (await this.#take(id, 'pause', () => this.#transitions.pause(record)));
      } else if (record.state === 'paused' || record.snapshot !== null) {
        throw new ApiError(409, `Error pausing sandbox - sandbox '${id}' is already paused`);
      } else throw notFound(id);
    }
  }

  /**
   * Resumes a paused sandbox. A concurrent call joins the first one, with the first one's options. `autoPause` defaults
   * to its value at the pause.
   * @throws ApiError 400 for a timeout over the maximum, 404, 409 if running, 429, 500.
   */
  async resume(id: string, options: { timeoutS?: number | undefined; autoPause?: boolean | undefined }) {
    const timeoutMs = this.#timeoutMs(options.timeoutS);
    const { record } = await this.#whenSteady(id, (steady) => {
      if (steady.state === 'running') throw new ApiError(409, `Sandbox ${id} is already running`);
      return this.#startResume(steady, timeoutMs, options.autoPause);
    });
    return record;
  }

  /**
   * Resumes a paused sandbox, or extends the deadline of a running one to at least `timeoutS` from now.
   * @throws ApiError 400 for a timeout over the maximum, 404, 429, 500.
   */
  async connect(id: string, timeoutS?: number): Promise<Connected> {
    const timeoutMs = this.#timeoutMs(timeoutS);
    return this.#whenSteady(id, (steady) =>
      steady.state === 'running'
        ? { record: this.#extend(steady, timeoutMs), resumed: false }
        : this.#startResume(steady, timeoutMs),
    );
  }

  /**
   * Moves the deadline, at most to the end of the maximum length. 0 expires the sandbox now.
   * @throws ApiError 404 unless it runs, 400 if the maximum length has passed.
   */
  setTimeout(id: string, timeoutS: number): void {
    const record = this.#mustRun(id);
    const endAtMs = Math.min(Date.now() + timeoutS * 1000, this.#maxEndAtMs(record));
    this.#registry.update(record, { endAtMs });
  }

  /** Extends the deadline to at least `durationS` from now. @throws ApiError like `setTimeout`. */
  refresh(id: string, durationS: number): void {
    this.#extend(this.#mustRun(id), durationS * 1000);
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

  async #expireOne(record: SandboxRecord): Promise<void> {
    const { id, snapshot, autoPause } = record;
    try {
      if (autoPause) await this.#take(id, 'pause', () => this.#transitions.pause(record));
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
    autoPause = paused.autoPause,
  ): Promise<Connected> {
    const resume = () => this.#transitions.resume(paused, timeoutMs, autoPause);
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
    act: (record: SandboxRecord) => Connected | Promise<Connected>,
  ): Promise<Connected> {
    for (;;) {
      const record = this.#mustGet(id);
      const pending = this.#pending.get(id);
      if (pending?.step === 'resume') {
        const resumed = await pending.done;
        if (resumed !== null) return { record: resumed, resumed: true };
      } else if (pending?.step === 'pause') await settled(pending);
      else if (record.state === 'killing') throw notFound(id);
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
    return endAtMs <= running.endAtMs ? running : this.#registry.update(running, { endAtMs });
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

  #mustRun(id: string): SandboxRecord {
    const record = this.#mustGet(id);
    if (record.state !== 'running') throw notFound(id);
    return record;
  }
}

const settled = ({ done }: PendingStep) =>
  done.then(
    () => {},
    () => {},
  );

import { ApiError } from './http';
import type { SandboxRecord } from './record';
import type { Registry } from './registry';
import type { NewSandbox, Span, Transitions } from './transitions';

export type Limits = { maxRunning: number; maxLengthMs: number };

/** Timeout of a sandbox whose caller named none (docs/protocol.md#timeouts). */
const DEFAULT_TIMEOUT_S = 15;

type Work = 'pause' | 'resume' | 'kill';
type Connected = { record: SandboxRecord; resumed: boolean };
type Busy = { work: Work; done: Promise<SandboxRecord | null> };

/** After an expiry that could not be carried out, say because the disk is full. */
const RETRY_EXPIRY_MS = 1_000;

const notFound = (id: string) =>
  new ApiError(404, `sandbox "${id}" doesn't exist or you don't have access to it`);

/**
 * Who may do what to a sandbox when, exactly as docs/protocol.md#state-matrix has it. For one id at most one piece of
 * work runs at a time; who comes meanwhile joins it, waits for it, or is refused, by the table there.
 */
export class Lifecycle {
  readonly #registry: Registry;
  readonly #transitions: Transitions;
  readonly #limits: Limits;
  readonly #warn: (message: string) => void;
  readonly #busy = new Map<string, Busy>();
  /** Sandboxes being created or resumed: they take a place before they run. */
  #starting = 0;
  #expiryPausedUntilMs = 0;

  constructor(registry: Registry, transitions: Transitions, limits: Limits, warn: (message: string) => void) {
    this.#registry = registry;
    this.#transitions = transitions;
    this.#limits = limits;
    this.#warn = warn;
  }

  /** @throws ApiError 400 timeout over the maximum, 429 too many at once, 500 the guest did not start. */
  async create(input: NewSandbox, timeoutS?: number): Promise<SandboxRecord> {
    const timeoutMs = this.#timeoutMs(timeoutS);
    const span = (startedAtMs = Date.now()): Span => ({ startedAtMs, endAtMs: startedAtMs + timeoutMs });
    return this.#startInPlace(() => this.#transitions.create(input, () => span()));
  }

  /** Only the demo fleet may do this: a sandbox with a past. Paused where `pausedAtMs` is given. */
  async createAged(
    input: NewSandbox,
    { pausedAtMs, ...span }: Span & { pausedAtMs?: number },
  ): Promise<void> {
    const create = () => this.#transitions.create(input, () => span);
    if (pausedAtMs === undefined) {
      await this.#startInPlace(create);
    } else {
      // It never runs as far as anybody can see, so it needs no place.
      const record = await create();
      await this.#work(record.id, 'pause', () => this.#transitions.pause(record, pausedAtMs));
    }
  }

  /**
   * @throws ApiError 404, 409 paused already, 500 the pause failed and the run is lost
   * (docs/protocol.md#failed-pauses).
   */
  async pause(id: string): Promise<void> {
    for (;;) {
      const record = this.#mustGet(id);
      const busy = this.#busy.get(id);
      if (busy?.work === 'pause') return void (await busy.done);
      if (busy?.work === 'resume') await settled(busy);
      else if (record.state === 'running') {
        return void (await this.#work(id, 'pause', () => this.#transitions.pause(record)));
      } else if (record.state === 'paused' || record.snapshot !== null) {
        throw new ApiError(409, `Error pausing sandbox - sandbox '${id}' is already paused`);
      } else throw notFound(id);
    }
  }

  /**
   * Resumes a paused sandbox. Who comes while it is resumed already gets the same result: the first caller's timeout
   * and autoPause apply. `autoPause` undefined: as it was when it was paused.
   * @throws ApiError 400 timeout over the maximum, 404, 409 it runs already, 429, 500.
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
   * Makes sure that it runs for `timeoutS` more. One that runs is only ever extended.
   * @throws ApiError 400 timeout over the maximum, 404, 429, 500.
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
   * Sets the deadline, earlier or later, cut to what is left of the maximum length. 0 expires it now.
   * @throws ApiError 404 unless it runs, 400 when the maximum length is over.
   */
  setTimeout(id: string, timeoutS: number): void {
    const record = this.#mustRun(id);
    const endAtMs = Math.min(Date.now() + timeoutS * 1000, this.#lastMoment(record));
    this.#registry.update(record, { endAtMs });
  }

  /** Extends the deadline to at least `durationS` from now. @throws ApiError 404, 400 as `setTimeout`. */
  refresh(id: string, durationS: number): void {
    this.#extend(this.#mustRun(id), durationS * 1000);
  }

  /**
   * Kills it and every snapshot of it. Waits for what is going on with it.
   * @throws ApiError 404, 500 when the guest cannot be removed: it stays hidden and can be killed again.
   */
  async kill(id: string): Promise<void> {
    for (let joined = false; ; ) {
      const busy = this.#busy.get(id);
      const record = this.#registry.get(id);
      if (busy !== undefined) {
        joined ||= busy.work === 'kill';
        await settled(busy);
      } else if (record !== undefined) {
        return void (await this.#work(id, 'kill', () => this.#transitions.kill(record, 'killed')));
      } else if (joined) return;
      else throw notFound(id);
    }
  }

  /** Ends what is over by its policy. Costs nothing while nothing is. Resolves when all of it is done. */
  async expire(): Promise<void> {
    const now = Date.now();
    if (now < this.#expiryPausedUntilMs) return;
    await Promise.all(this.#registry.overdue(now).map((record) => this.#expireOne(record)));
  }

  /** Waits until nothing is going on, so that the engine can stop. */
  async idle(): Promise<void> {
    await Promise.all([...this.#busy.values()].map(settled));
  }

  async #expireOne(record: SandboxRecord): Promise<void> {
    const { id, snapshot, autoPause } = record;
    try {
      if (autoPause) await this.#work(id, 'pause', () => this.#transitions.pause(record));
      else if (snapshot === null)
        await this.#work(id, 'kill', () => this.#transitions.kill(record, 'timeout'));
      else await this.#work(id, 'kill', () => this.#transitions.revert(record, snapshot, 'timeout'));
    } catch (error) {
      this.#expiryPausedUntilMs = Date.now() + RETRY_EXPIRY_MS;
      this.#warn(`Ending ${id} at its deadline failed: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #startResume(
    paused: SandboxRecord,
    timeoutMs: number,
    autoPause = paused.autoPause,
  ): Promise<Connected> {
    const resume = () => this.#transitions.resume(paused, timeoutMs, autoPause);
    const record = await this.#work(paused.id, 'resume', () => this.#startInPlace(resume));
    return { record, resumed: true };
  }

  /**
   * Waits until it is paused or runs and acts on it in the same breath: of several who waited for the same pause, the
   * first resumes and the others find that resume under way, and join it.
   * @throws ApiError 404.
   */
  async #whenSteady(
    id: string,
    act: (record: SandboxRecord) => Connected | Promise<Connected>,
  ): Promise<Connected> {
    for (;;) {
      const record = this.#mustGet(id);
      const busy = this.#busy.get(id);
      if (busy?.work === 'resume') {
        const resumed = await busy.done;
        if (resumed !== null) return { record: resumed, resumed: true };
      } else if (busy?.work === 'pause') await settled(busy);
      else if (record.state === 'killing') throw notFound(id);
      else return act(record);
    }
  }

  /** Runs `act` as the one piece of work of this id; everything up to its first await happens at once. */
  #work<T extends SandboxRecord | null>(id: string, work: Work, act: () => Promise<T>): Promise<T> {
    const done = act().finally(() => this.#busy.delete(id));
    this.#busy.set(id, { work, done });
    return done;
  }

  /** Takes one of the places for running sandboxes while `start` is under way. @throws ApiError 429. */
  async #startInPlace<T>(start: () => Promise<T>): Promise<T> {
    const registry = this.#registry;
    const limits = this.#limits;
    const taken = registry.count('running') + registry.count('pausing') + this.#starting;
    if (taken >= limits.maxRunning) {
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
    const endAtMs = Math.min(Date.now() + durationMs, this.#lastMoment(running));
    return endAtMs <= running.endAtMs ? running : this.#registry.update(running, { endAtMs });
  }

  /** The latest deadline this run may have. @throws ApiError 400 when that is over. */
  #lastMoment(running: SandboxRecord): number {
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

const settled = ({ done }: Busy) =>
  done.then(
    () => {},
    () => {},
  );

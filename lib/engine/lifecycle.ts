import { DEFAULT_TIMEOUT_S } from './constants';
import { guestOf } from './guest-of';
import type { Guests } from './guests';
import type { History } from './history';
import { ApiError } from './http';
import { newSandboxId, randomId, type Tokens } from './ids';
import type { SandboxRecord, Snapshot } from './record';
import type { Registry } from './registry';
import type { EndReason, Runs } from './runs';
import type { Template } from './templates';

/** What a caller decides about a new sandbox. */
export type NewSandbox = Pick<
  SandboxRecord,
  'autoPause' | 'secure' | 'allowInternetAccess' | 'network' | 'metadata' | 'envVars'
> & { template: Template; timeoutS?: number | undefined };

export type Limits = { maxRunning: number; maxLengthMs: number };

type Work = 'pause' | 'resume' | 'kill';
type Busy = { work: Work; done: Promise<SandboxRecord | null> };

type Parts = {
  registry: Registry;
  guests: Guests;
  history: History;
  runs: Runs;
  tokens: Tokens;
  limits: Limits;
  guestsDir: string;
  warn(message: string): void;
};

const notFound = (id: string) =>
  new ApiError(404, `sandbox "${id}" doesn't exist or you don't have access to it`);

/**
 * What a sandbox goes through, exactly as protocol §1.2 has it. For one id at most one piece of work runs at a time;
 * who comes meanwhile joins it, waits for it, or is refused, by the table there. A record changes its state before
 * the guest is touched and after the guest is done, so that nobody is routed to a guest in between.
 */
export class Lifecycle {
  private readonly busy = new Map<string, Busy>();
  /** Sandboxes being created or resumed: they take a place before they run. */
  private starting = 0;

  constructor(private readonly parts: Parts) {}

  /** @throws ApiError 400 timeout over the maximum, 429 too many at once, 500 the guest did not start. */
  async create(input: NewSandbox): Promise<SandboxRecord> {
    const timeoutMs = this.timeoutMs(input.timeoutS);
    const record = this.newRecord(input);
    await this.starts(() => this.toGuest('creating', () => this.parts.guests.create(this.guest(record))));
    const now = Date.now();
    const running = { ...record, createdAtMs: now, startedAtMs: now, endAtMs: now + timeoutMs };
    this.parts.registry.add(running);
    this.parts.runs.created(running);
    return running;
  }

  /** Only the demo fleet may do this: a sandbox with a past. Paused where `pausedAtMs` is given. */
  async createAged(
    input: NewSandbox,
    age: Pick<SandboxRecord, 'startedAtMs' | 'endAtMs'> & { pausedAtMs?: number },
  ) {
    const { startedAtMs, endAtMs, pausedAtMs } = age;
    const record = { ...this.newRecord(input), createdAtMs: startedAtMs, startedAtMs, endAtMs };
    const create = () => this.toGuest('creating', () => this.parts.guests.create(this.guest(record)));
    await (pausedAtMs === undefined ? this.starts(create) : create());
    this.parts.registry.add(record);
    this.parts.runs.created(record);
    if (pausedAtMs !== undefined) await this.work(record.id, 'pause', () => this.doPause(record, pausedAtMs));
  }

  /** @throws ApiError 404, 409 paused already, 500 the pause failed and the run is lost (protocol §1.2). */
  async pause(id: string): Promise<void> {
    for (;;) {
      const record = this.mustGet(id);
      const busy = this.busy.get(id);
      if (busy?.work === 'pause') return void (await busy.done);
      if (busy?.work === 'resume') await settled(busy);
      else if (record.state === 'running')
        return void (await this.work(id, 'pause', () => this.doPause(record)));
      else if (record.state === 'paused' || record.snapshot !== null) {
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
    const timeoutMs = this.timeoutMs(options.timeoutS);
    const paused = await this.awaitPaused(id);
    if ('resumed' in paused) return paused.resumed;
    if (paused.record.state === 'running') throw new ApiError(409, `Sandbox ${id} is already running`);
    return this.startResume(paused.record, timeoutMs, options.autoPause);
  }

  /**
   * Makes sure that it runs for `timeoutS` more. One that runs is only ever extended.
   * @throws ApiError 400 timeout over the maximum, 404, 429, 500.
   */
  async connect(id: string, timeoutS?: number): Promise<{ record: SandboxRecord; resumed: boolean }> {
    const timeoutMs = this.timeoutMs(timeoutS);
    const paused = await this.awaitPaused(id);
    if ('resumed' in paused) return { record: paused.resumed, resumed: true };
    if (paused.record.state === 'running')
      return { record: this.extend(paused.record, timeoutMs), resumed: false };
    return { record: await this.startResume(paused.record, timeoutMs), resumed: true };
  }

  /**
   * Sets the deadline, earlier or later, cut to what is left of the maximum length. 0 expires it now.
   * @throws ApiError 404 unless it runs, 400 when the maximum length is over.
   */
  setTimeout(id: string, timeoutS: number): void {
    const record = this.mustRun(id);
    const endAtMs = Math.min(Date.now() + timeoutS * 1000, this.lastMoment(record));
    this.parts.registry.update(record, { endAtMs });
  }

  /** Extends the deadline to at least `durationS` from now. @throws ApiError 404, 400 as `setTimeout`. */
  refresh(id: string, durationS: number): void {
    this.extend(this.mustRun(id), durationS * 1000);
  }

  /**
   * Kills it and every snapshot of it. Waits for what is going on with it.
   * @throws ApiError 404, 500 when the guest cannot be removed: it stays hidden and can be killed again.
   */
  async kill(id: string): Promise<void> {
    for (let joined = false; ; ) {
      const busy = this.busy.get(id);
      const record = this.parts.registry.get(id);
      if (busy !== undefined) {
        joined ||= busy.work === 'kill';
        await settled(busy);
      } else if (record !== undefined) {
        return void (await this.work(id, 'kill', () => this.doKill(record, 'killed')));
      } else if (joined) return;
      else throw notFound(id);
    }
  }

  /** Ends what is over by its policy. Costs nothing while nothing is. Resolves when all of it is done. */
  async expire(): Promise<void> {
    const ending: Promise<unknown>[] = [];
    const now = Date.now();
    for (;;) {
      // Each piece of work takes its record out of the deadlines before its first await, so this moves on.
      const record = this.parts.registry.nextToExpire;
      if (record === undefined || record.endAtMs > now) break;
      ending.push(
        this.expireOne(record).catch((error: unknown) =>
          this.parts.warn(`Ending ${record.id} failed: ${error}`),
        ),
      );
    }
    await Promise.all(ending);
  }

  /** Finishes what an engine before this one left half done. Before the first request. */
  async recover(): Promise<void> {
    const { registry, runs, guests } = this.parts;
    await guests.recover([...registry.all()].map((record) => this.guest(record)));
    for (const record of [...registry.all()]) {
      if (runs.get(record.id) === undefined) runs.created(record);
      if (record.state === 'pausing') this.finishPause(record);
      if (record.state === 'killing') await this.work(record.id, 'kill', () => this.doKill(record, 'killed'));
    }
    await this.expire();
  }

  /** Waits until nothing is going on, so that the engine can stop. */
  async idle(): Promise<void> {
    await Promise.all([...this.busy.values()].map(settled));
  }

  private expireOne(record: SandboxRecord): Promise<unknown> {
    if (record.autoPause) return this.work(record.id, 'pause', () => this.doPause(record));
    const { snapshot } = record;
    if (snapshot === null) return this.work(record.id, 'kill', () => this.doKill(record, 'timeout'));
    return this.work(record.id, 'kill', () => this.doRevert(record, snapshot));
  }

  private async doPause(running: SandboxRecord, now = Date.now()): Promise<SandboxRecord> {
    const { registry, guests, runs } = this.parts;
    const snapshot: Snapshot = {
      templateId: running.snapshot?.templateId ?? randomId(20),
      createdAtMs: running.snapshot?.createdAtMs ?? now,
      startedAtMs: running.startedAtMs,
      autoPause: running.autoPause,
    };
    const pausing = registry.update(running, { state: 'pausing', snapshot, endAtMs: snapshot.createdAtMs });
    try {
      await guests.pause(running.id);
    } catch (error) {
      // Not rolled back: the run is lost, an older snapshot remains.
      if (running.snapshot === null) await this.doKill(pausing, 'error');
      else await this.doRevert(pausing, running.snapshot, 'error');
      throw failed('pausing', error);
    }
    runs.paused(running.id);
    return this.finishPause(pausing);
  }

  private finishPause(pausing: SandboxRecord): SandboxRecord {
    return this.parts.registry.update(pausing, { state: 'paused' });
  }

  private async doKill(record: SandboxRecord, reason: EndReason): Promise<null> {
    const { registry, guests, runs, history } = this.parts;
    const killing = registry.update(record, { state: 'killing' });
    await this.toGuest('killing', () => guests.destroy(record.id));
    registry.remove(killing);
    history.forget(record.id);
    runs.stopped(record.id, reason);
    runs.released(record.id);
    return null;
  }

  /** The run is over but an older snapshot remains: the sandbox is listed as paused again. */
  private async doRevert(record: SandboxRecord, snapshot: Snapshot, reason: EndReason = 'timeout') {
    const { registry, guests, runs, warn } = this.parts;
    const killing = registry.update(record, { state: 'killing' });
    await guests.revert(record.id).catch((error: unknown) => warn(`Reverting ${record.id} failed: ${error}`));
    runs.stopped(record.id, reason);
    const { startedAtMs, autoPause, createdAtMs: endAtMs } = snapshot;
    return registry.update(killing, { state: 'paused', snapshot, startedAtMs, autoPause, endAtMs });
  }

  private startResume(paused: SandboxRecord, timeoutMs: number, autoPause = paused.autoPause) {
    return this.work(paused.id, 'resume', async () => {
      await this.starts(() => this.toGuest('resuming', () => this.parts.guests.resume(this.guest(paused))));
      const now = Date.now();
      const patch = { state: 'running', startedAtMs: now, endAtMs: now + timeoutMs, autoPause } as const;
      const running = this.parts.registry.update(paused, patch);
      this.parts.runs.resumed(paused.id);
      return running;
    });
  }

  /** The record when it is paused or runs, or what a resume under way came to. @throws ApiError 404. */
  private async awaitPaused(id: string): Promise<{ record: SandboxRecord } | { resumed: SandboxRecord }> {
    for (;;) {
      const record = this.mustGet(id);
      const busy = this.busy.get(id);
      if (busy?.work === 'resume') {
        const resumed = await busy.done;
        if (resumed !== null) return { resumed };
      } else if (busy?.work === 'pause') await settled(busy);
      else if (record.state === 'killing') throw notFound(id);
      else return { record };
    }
  }

  /** Runs `act` as the one piece of work of this id; everything up to its first await happens at once. */
  private work<T extends SandboxRecord | null>(id: string, work: Work, act: () => Promise<T>): Promise<T> {
    const done = act().finally(() => this.busy.delete(id));
    this.busy.set(id, { work, done });
    return done;
  }

  /** Takes one of the places for running sandboxes while `start` is under way. @throws ApiError 429. */
  private async starts(start: () => Promise<void>): Promise<void> {
    const { registry, limits } = this.parts;
    const taken = registry.count('running') + registry.count('pausing') + this.starting;
    if (taken >= limits.maxRunning) {
      throw new ApiError(
        429,
        `you have reached the maximum number of concurrent sandboxes (${limits.maxRunning}). Pause or kill one and try again.`,
      );
    }
    this.starting += 1;
    try {
      await start();
    } finally {
      this.starting -= 1;
    }
  }

  private async toGuest(doing: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw failed(doing, error);
    }
  }

  private extend(running: SandboxRecord, durationMs: number): SandboxRecord {
    const endAtMs = Math.min(Date.now() + durationMs, this.lastMoment(running));
    return endAtMs <= running.endAtMs ? running : this.parts.registry.update(running, { endAtMs });
  }

  /** The latest deadline this run may have. @throws ApiError 400 when that is over. */
  private lastMoment(running: SandboxRecord): number {
    const last = running.startedAtMs + this.parts.limits.maxLengthMs;
    if (last <= Date.now()) throw new ApiError(400, 'Max instance length exceeded');
    return last;
  }

  private timeoutMs(timeoutS = DEFAULT_TIMEOUT_S): number {
    const { maxLengthMs } = this.parts.limits;
    if (timeoutS * 1000 <= maxLengthMs) return timeoutS * 1000;
    throw new ApiError(400, `Timeout cannot be greater than ${maxLengthMs / 3_600_000} hours`);
  }

  private newRecord({ template, timeoutS: _, ...input }: NewSandbox): SandboxRecord {
    const { templateId, cpuCount, memoryMB, diskSizeMB } = template;
    const size = { cpuCount, memoryMB, diskSizeMB };
    const times = { createdAtMs: 0, startedAtMs: 0, endAtMs: 0 };
    const id = newSandboxId();
    return {
      version: 1,
      id,
      templateId,
      alias: templateId,
      state: 'running',
      ...times,
      ...input,
      ...size,
      snapshot: null,
    };
  }

  private guest(record: SandboxRecord) {
    return guestOf(record, this.parts.tokens, this.parts.guestsDir);
  }

  private mustGet(id: string): SandboxRecord {
    const record = this.parts.registry.get(id);
    if (record === undefined) throw notFound(id);
    return record;
  }

  private mustRun(id: string): SandboxRecord {
    const record = this.mustGet(id);
    if (record.state !== 'running') throw notFound(id);
    return record;
  }
}

function failed(doing: string, error: unknown): ApiError {
  return new ApiError(
    500,
    `${doing} the sandbox failed: ${error instanceof Error ? error.message : String(error)}`,
  );
}

const settled = ({ done }: Busy) =>
  done.then(
    () => {},
    () => {},
  );

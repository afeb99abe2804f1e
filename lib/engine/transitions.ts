import type { Guest, Guests } from './guests';
import type { History } from './history';
import { ApiError } from './http';
import { newSandboxId, randomId, type Tokens } from './ids';
import type { EndReason, Lifetimes } from './lifetimes';
import { type SandboxRecord, type Snapshot, toGuest } from './record';
import type { Registry } from './registry';
import type { Template } from './templates';

/** What a caller decides about a new sandbox. */
export type NewSandbox = Pick<
  SandboxRecord,
  'autoPause' | 'secure' | 'allowInternetAccess' | 'network' | 'metadata' | 'envVars'
> & { template: Template };

/** When it started and ends, Unix milliseconds. */
export type Span = Pick<SandboxRecord, 'startedAtMs' | 'endAtMs'>;

export type TransitionServices = {
  registry: Registry;
  guests: Guests;
  history: History;
  lifetimes: Lifetimes;
  tokens: Tokens;
  guestsDir: string;
  warn(message: string): void;
};

/**
 * The steps from one state to the next: record, guest and history together. A record leaves `running` before its guest
 * is touched and becomes `running` after its guest is, so that nobody is routed to a guest in between; up to the first
 * await each step happens at once. Who may take which step when is the lifecycle's business.
 */
export class Transitions {
  readonly #services: TransitionServices;

  constructor(services: TransitionServices) {
    this.#services = services;
  }

  /** From nothing to running. `spanOf` is asked once the guest is there, so that nobody pays for its start. */
  async create(input: NewSandbox, spanOf: () => Span): Promise<SandboxRecord> {
    const { registry, lifetimes, guests } = this.#services;
    const draft = newRecord(input);
    await attempt('creating', () => guests.create(this.#guest(draft)));
    const span = spanOf();
    const record = { ...draft, ...span, createdAtMs: span.startedAtMs };
    try {
      registry.add(record);
    } catch (error) {
      await guests.destroy(record.id);
      throw error;
    }
    lifetimes.created(record);
    return record;
  }

  /** From running to paused. A failure is not rolled back: the run is lost, an older snapshot remains. */
  async pause(running: SandboxRecord, nowMs = Date.now()): Promise<SandboxRecord> {
    const { registry, guests, lifetimes } = this.#services;
    const snapshot: Snapshot = {
      templateId: running.snapshot?.templateId ?? randomId(20),
      createdAtMs: running.snapshot?.createdAtMs ?? nowMs,
      startedAtMs: running.startedAtMs,
      autoPause: running.autoPause,
    };
    const pausing = registry.update(running, { state: 'pausing', snapshot, endAtMs: snapshot.createdAtMs });
    try {
      await guests.pause(running.id);
    } catch (error) {
      if (running.snapshot === null) await this.kill(pausing, 'error');
      else await this.revert(pausing, running.snapshot, 'error');
      throw failed('pausing', error);
    }
    lifetimes.paused(running.id);
    return this.finishPause(pausing);
  }

  finishPause(pausing: SandboxRecord): SandboxRecord {
    return this.#services.registry.update(pausing, { state: 'paused' });
  }

  /** From paused to running, from now on for `timeoutMs`. */
  async resume(paused: SandboxRecord, timeoutMs: number, autoPause: boolean): Promise<SandboxRecord> {
    const { registry, guests, lifetimes } = this.#services;
    await attempt('resuming', () => guests.resume(this.#guest(paused)));
    const startedAtMs = Date.now();
    const endAtMs = startedAtMs + timeoutMs;
    const running = registry.update(paused, { state: 'running', startedAtMs, endAtMs, autoPause });
    lifetimes.resumed(paused.id);
    return running;
  }

  /**
   * From any state to nothing. The file goes first: when the engine is killed before the guest is gone, what is left
   * of it is a leftover without a record, and not a sandbox with half its files.
   */
  async kill(record: SandboxRecord, reason: EndReason): Promise<null> {
    const { registry, guests, lifetimes, history } = this.#services;
    const killing = registry.hide(record);
    registry.deleteFile(record.id);
    await attempt('killing', () => guests.destroy(record.id));
    registry.remove(killing);
    history.forget(record.id);
    lifetimes.stopped(record.id, reason);
    lifetimes.released(record.id);
    return null;
  }

  /**
   * The run is over but an older snapshot remains: the sandbox is listed as paused again
   * (docs/protocol.md#older-snapshots).
   */
  async revert(record: SandboxRecord, snapshot: Snapshot, reason: EndReason): Promise<SandboxRecord> {
    const { registry, guests, lifetimes, warn } = this.#services;
    const killing = registry.hide(record);
    await guests.revert(record.id).catch((error: unknown) => warn(`Reverting ${record.id} failed: ${error}`));
    lifetimes.stopped(record.id, reason);
    const { startedAtMs, autoPause, createdAtMs: endAtMs } = snapshot;
    return registry.update(killing, { state: 'paused', snapshot, startedAtMs, autoPause, endAtMs });
  }

  /** Takes up what an engine before this one left, and finishes what it left half done. */
  async recover(): Promise<void> {
    const { registry, lifetimes, guests } = this.#services;
    const records = [...registry.all()];
    await guests.recover(records.map((record) => this.#guest(record)));
    for (const record of records) {
      if (lifetimes.get(record.id) === undefined) {
        lifetimes.created(record);
        if (record.state !== 'running') lifetimes.paused(record.id);
      }
      if (record.state === 'pausing') this.finishPause(record);
    }
  }

  #guest(record: SandboxRecord): Guest {
    return toGuest(record, this.#services.tokens, this.#services.guestsDir);
  }
}

function newRecord({ template, ...input }: NewSandbox): SandboxRecord {
  const { templateId, cpuCount, memoryMB, diskSizeMB } = template;
  return {
    version: 1,
    id: newSandboxId(),
    templateId,
    alias: templateId,
    state: 'running',
    createdAtMs: 0,
    startedAtMs: 0,
    endAtMs: 0,
    ...input,
    cpuCount,
    memoryMB,
    diskSizeMB,
    snapshot: null,
  };
}

/** @throws ApiError 500 that says what was being done. */
async function attempt(doing: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw failed(doing, error);
  }
}

function failed(doing: string, error: unknown): ApiError {
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, `${doing} the sandbox failed: ${message}`);
}

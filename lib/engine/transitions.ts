import type { Guest, Guests } from './guests';
import type { History } from './history';
import { ApiError } from './http';
import { newSandboxId, randomId, type Tokens } from './ids';
import type { LifecycleEvents } from './lifecycle-events';
import type { EndReason, Lifetimes } from './lifetimes';
import { type SandboxRecord, type Snapshot, toGuest } from './record';
import type { Registry } from './registry';
import { removeHostDirectory } from './safe-fs/remove';
import type { Template } from './templates';

export type NewSandbox = Pick<
  SandboxRecord,
  | 'autoPause'
  | 'autoPauseMemory'
  | 'autoResume'
  | 'timeoutMs'
  | 'secure'
  | 'allowInternetAccess'
  | 'network'
  | 'dialect'
  | 'metadata'
  | 'envVars'
> & {
  template: Template;
  /** A directory of `Guests.saveFiles` to start from. Default: the files of the template. */
  files?: string | undefined;
};

/** What a copy of a sandbox has in common with it. */
export function settingsOf(source: SandboxRecord): Omit<NewSandbox, 'template' | 'files' | 'timeoutMs'> {
  const { autoPause, autoPauseMemory, autoResume, secure, allowInternetAccess, network } = source;
  const { dialect, metadata, envVars } = source;
  return {
    ...{ autoPause, autoPauseMemory, autoResume, secure, allowInternetAccess },
    ...{ network, dialect, metadata, envVars },
  };
}

/** Start and deadline in Unix milliseconds. */
export type Span = Pick<SandboxRecord, 'startedAtMs' | 'endAtMs'>;

export type TransitionServices = {
  registry: Registry;
  guests: Guests;
  history: History;
  lifetimes: Lifetimes;
  events: LifecycleEvents;
  tokens: Tokens;
  guestsDir: string;
  warn(message: string): void;
};

/**
 * Moves a sandbox from one state to the next: its record, guest and history. A record leaves `running` before its guest
 * changes, and becomes `running` after it, so that no request reaches a guest in between. `Lifecycle` decides which
 * step is allowed.
 */
export class Transitions {
  readonly #services: TransitionServices;

  constructor(services: TransitionServices) {
    this.#services = services;
  }

  /** Calls `getSpan` after the guest has started, so that the start does not use up the timeout. */
  async create({ files, ...input }: NewSandbox, getSpan: () => Span): Promise<SandboxRecord> {
    const { registry, lifetimes, events, guests } = this.#services;
    const draft = newRecord(input);
    try {
      await attempt('creating', () => guests.create(this.#guest(draft), files));
    } catch (error) {
      // A copy that failed has left files, which nothing else would remove.
      if (files !== undefined) await guests.destroy(draft.id).catch(() => {});
      throw error;
    }
    const span = getSpan();
    const record = { ...draft, ...span, createdAtMs: span.startedAtMs };
    try {
      registry.add(record);
    } catch (error) {
      await guests.destroy(record.id);
      throw error;
    }
    lifetimes.created(record);
    events.record('created', record, { atMs: record.createdAtMs });
    return record;
  }

  /**
   * Pauses a running sandbox, with its processes or, unless `keepsMemory`, without them. If this fails, only an older
   * snapshot remains (docs/protocol.md#failed-pauses).
   */
  async pause(running: SandboxRecord, keepsMemory: boolean, nowMs = Date.now()): Promise<SandboxRecord> {
    const { registry, guests, lifetimes, events } = this.#services;
    const snapshot: Snapshot = {
      templateId: running.snapshot?.templateId ?? randomId(20),
      createdAtMs: running.snapshot?.createdAtMs ?? nowMs,
      startedAtMs: running.startedAtMs,
      autoPause: running.autoPause,
      pausedAtMs: nowMs,
      keepsMemory,
    };
    const pausing = registry.update(running, { state: 'pausing', snapshot, endAtMs: snapshot.createdAtMs });
    try {
      await guests.pause(running.id, keepsMemory);
    } catch (error) {
      if (running.snapshot === null) await this.kill(pausing, 'error');
      else await this.revert(pausing, running.snapshot, 'error');
      throw failed('pausing', error);
    }
    lifetimes.paused(running.id);
    events.paused(running, nowMs);
    return this.finishPause(pausing);
  }

  finishPause(pausing: SandboxRecord): SandboxRecord {
    return this.#services.registry.update(pausing, { state: 'paused' });
  }

  /** Resumes a paused sandbox for `timeoutMs` from now, unless `keepsMemory` without its processes. */
  async resume(
    paused: SandboxRecord,
    { timeoutMs, autoPause, keepsMemory }: { timeoutMs: number; autoPause: boolean; keepsMemory: boolean },
  ): Promise<SandboxRecord> {
    const { registry, guests, lifetimes, events } = this.#services;
    await attempt('resuming', () => guests.resume(this.#guest(paused), keepsMemory));
    const startedAtMs = Date.now();
    const endAtMs = startedAtMs + timeoutMs;
    const running = registry.update(paused, { state: 'running', startedAtMs, endAtMs, autoPause });
    lifetimes.resumed(paused.id);
    events.record('resumed', running);
    return running;
  }

  /** Changes a running sandbox in a way that needs no step of its guest. */
  update(
    running: SandboxRecord,
    patch: Partial<Pick<SandboxRecord, 'endAtMs' | 'allowInternetAccess' | 'network'>>,
  ): SandboxRecord {
    const { registry, events } = this.#services;
    const updated = registry.update(running, patch);
    events.record('updated', updated, patch.endAtMs === undefined ? {} : { endAtMs: patch.endAtMs });
    return updated;
  }

  /** Copies the files of a running sandbox to the new directory `target`, which is removed if that fails. */
  async saveFiles(running: SandboxRecord, target: string, signal: AbortSignal): Promise<void> {
    const { guests } = this.#services;
    try {
      await guests.saveFiles(this.#guest(running), target, signal);
    } catch (error) {
      await removeHostDirectory(target);
      throw error instanceof ApiError ? error : failed('copying', error);
    }
  }

  /**
   * Kills a sandbox in any state. The record is deleted first: if the engine is killed in between, the next start
   * removes the remaining files instead of listing a broken sandbox.
   */
  async kill(record: SandboxRecord, reason: EndReason): Promise<null> {
    const { registry, guests, lifetimes, events, history } = this.#services;
    const killing = registry.hide(record);
    registry.deleteFile(record.id);
    await attempt('killing', () => guests.destroy(record.id));
    registry.remove(killing);
    history.forget(record.id);
    lifetimes.stopped(record.id, reason);
    lifetimes.removed(record.id);
    events.killed(record, reason);
    return null;
  }

  /** Ends a sandbox that still has an older snapshot: it is paused again (docs/protocol.md#older-snapshots). */
  async revert(record: SandboxRecord, snapshot: Snapshot, reason: EndReason): Promise<SandboxRecord> {
    const { registry, guests, lifetimes, events, warn } = this.#services;
    const killing = registry.hide(record);
    await guests
      .revert(record.id)
      .catch((error: unknown) => warn(`Cannot stop the processes of ${record.id}: ${error}`));
    lifetimes.stopped(record.id, reason);
    events.killed(record, reason);
    const { startedAtMs, autoPause, createdAtMs: endAtMs } = snapshot;
    return registry.update(killing, { state: 'paused', snapshot, startedAtMs, autoPause, endAtMs });
  }

  /** Completes the steps that the last engine started. */
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

function newRecord({ template, ...input }: Omit<NewSandbox, 'files'>): SandboxRecord {
  const { templateId, alias, buildId, cpuCount, memoryMB, diskSizeMB } = template;
  return {
    version: 1,
    id: newSandboxId(),
    templateId,
    ...(buildId === '' ? {} : { buildId }),
    ...(alias === undefined ? {} : { alias }),
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

/** @throws ApiError 500 that names the action. */
async function attempt(action: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw error instanceof ApiError ? error : failed(action, error);
  }
}

function failed(action: string, error: unknown): ApiError {
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, `${action} the sandbox failed: ${message}`);
}

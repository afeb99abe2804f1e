import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { noteAccess } from '../../access/audit';
import { SandkeeperError } from '../../errors';
import type { Sandbox } from '../../sandbox/schema';
import { readNow } from '../../wake/steps';
import { findLease } from '../../wake/store';
import { type WakeHold, wakeKeeper } from '../../wake/wake-keeper';
import { findArchive } from '../record/archives';
import { recordArchive } from '../record/claims';
import type { ItemArchive } from '../schema';
import type { Slot } from '../step/rate-limiter';
import { ArchivePlace } from './archive-place';
import { type ArchiveProgress, findFault, writeArchive } from './write-archive';

/** What saving the files of one sandbox takes. */
export type ArchiveOrder = {
  operationId: string;
  sandboxId: string;
  /** Who asked for it. */
  actor: string;
  /** What to save: see `parseArchivePath`. */
  path: string;
  /** The process that holds the item. */
  owner: string;
  /** Where it is kept; `null`: nowhere. */
  archiveDir: string | null;
  limitBytes: number;
  /** An earlier process may have left something unfinished, or the sandbox awake. */
  isTakenOver: boolean;
  /** Stops it, with its reason. */
  signal: AbortSignal;
  /** Waits for one of the few turns. */
  takeTurn: () => Promise<Slot>;
  /** Says how far it is, for people. */
  tell: (message: string) => void;
  /** Returns while the item is ours and nobody has stopped it; throws otherwise. */
  requireClaim: () => Promise<void>;
};

/** What is done around saving; both answer what came of it. */
type Around<T> = {
  /** Looks at it once its turn has come; `null`: it may be saved. */
  look: () => Promise<T | null>;
  /** Kills it as it is once its files are saved: a paused one is awake. */
  kill: (now: Sandbox) => Promise<T>;
};

/** Thrown where the files of a sandbox could not be saved, so that it must not be killed. */
export class NotArchived extends Error {
  override readonly name = 'NotArchived';
  constructor(readonly reason: SandkeeperError) {
    super(reason.message, { cause: reason });
  }
}

/** For how long a paused one is woken at a time; while its files are read, the deadline is moved. */
const AWAKE_MS = 5 * 60_000;
const MAX_TRIES = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/**
 * Saves the files of one sandbox before its kill: writes them to an archive of this server, reads that again, notes who
 * took what along, and only then lets the kill go on. A paused sandbox is woken for it under a lease that ends in a pause
 * whatever happens, unless the kill was quicker (docs/protocol.md#wake-sequence).
 */
export class Archiver {
  readonly #order: ArchiveOrder;
  #stage: 'waiting' | 'saving' | 'saved' = 'waiting';
  #saved: ItemArchive | null = null;

  constructor(order: ArchiveOrder) {
    this.#order = order;
  }

  /** The archive once it is there, whatever came of the kill. */
  get saved(): ItemArchive | null {
    return this.#saved;
  }

  /** How it stands where it was stopped, for people; `null`: it had not begun. */
  get sayStopped(): string | null {
    return STOPPED[this.#stage];
  }

  /** Whether `now` is how this operation has woken it, or how its pause afterwards has left it. */
  async isOurWake(now: Sandbox): Promise<boolean> {
    const lease = await findLease(now.id);
    if (lease === null || !lease.id.startsWith(this.#mark)) return false;
    return lease.state === 'waking' || lease.runStartedAtMs === now.startedAtMs;
  }

  /** The archive of a sandbox that an earlier process has killed: never taken for granted. `null`: it saved nothing. */
  async recheck(): Promise<{ fault: string | null } | null> {
    const { operationId, sandboxId, archiveDir } = this.#order;
    const saved = await findArchive(operationId, sandboxId);
    if (saved === null) return null;
    this.#saved = saved;
    if (archiveDir === null) return { fault: 'This server has no export directory to look for it.' };
    try {
      return { fault: await findFault(await ArchivePlace.open(archiveDir, operationId, sandboxId), saved) };
    } catch (thrown) {
      return { fault: SandkeeperError.from(thrown).message };
    }
  }

  /**
   * Saves its files unless `look` objects, then kills. Answers what either answers.
   * @throws NotArchived; what `kill` throws; the reason of the signal
   */
  async archiveThen<T>(shown: Sandbox, around: Around<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#attempt(shown, around);
      } catch (thrown) {
        if (this.#stage === 'saved') throw thrown;
        this.#order.signal.throwIfAborted();
        const reason = SandkeeperError.from(thrown);
        if (reason.code === 'unexpected') console.error(`Saving ${shown.id}:`, reason.cause);
        if (reason.code !== 'rate_limited' || tries === MAX_TRIES) throw new NotArchived(reason);
        await this.#waitOut(reason.retryAfterMs ?? FIRST_WAIT_MS * 2 ** tries);
      }
    }
  }

  async #attempt<T>(shown: Sandbox, { look, kill }: Around<T>): Promise<T> {
    const { actor, takeTurn, tell } = this.#order;
    const turn = await takeTurn();
    const archiveAndKill = async (now: Sandbox) => {
      await this.#save();
      // The kill waits for its own turn; somebody else's files can be saved meanwhile.
      turn.release('fine');
      return kill(now);
    };
    try {
      const objection = await look();
      if (objection !== null) return objection;
      this.#stage = 'saving';
      if (shown.state !== 'paused') return await archiveAndKill(shown);
      tell('Waking it to save its files');
      const input = {
        sandboxId: shown.id,
        actor,
        reason: 'to save its files before a kill',
        timeoutMs: AWAKE_MS,
        idPrefix: this.#mark,
      };
      return await wakeKeeper().withWake(input, async (hold) => archiveAndKill(await readOurs(shown, hold)));
    } finally {
      turn.release('fine');
    }
  }

  async #save(): Promise<void> {
    const { operationId, sandboxId, actor, path, archiveDir, limitBytes, signal, tell } = this.#order;
    if (archiveDir === null)
      throw new SandkeeperError('conflict', 'SANDKEEPER_ARCHIVE_DIR is not set on this server.');
    tell('Saving its files');
    const place = await ArchivePlace.open(archiveDir, operationId, sandboxId);
    try {
      if (this.#order.isTakenOver) await place.sweep();
      const onProgress = (progress: ArchiveProgress) => tell(sayProgress(progress));
      const written = await writeArchive(place, { sandboxId, path, limitBytes, signal, onProgress });
      const saved: ItemArchive = { name: place.name, ...written };
      await this.#keep(place, saved, { actor, path });
    } finally {
      await place.dropPart().catch(() => {});
    }
  }

  /** What cannot be recorded is not to happen, and what is not ours any more is not to be touched. */
  async #keep(
    place: ArchivePlace,
    saved: ItemArchive,
    { actor, path }: Pick<ArchiveOrder, 'actor' | 'path'>,
  ): Promise<void> {
    const { operationId, sandboxId, owner, requireClaim } = this.#order;
    await requireClaim();
    const left = saved.leftOut === 0 ? '' : `, ${saved.leftOut} left out`;
    const detail = `${saved.entries} ${saved.entries === 1 ? 'entry' : 'entries'}, ${saved.bytes} bytes${left}, as ${saved.name}`;
    await noteAccess({ actor }, { kind: 'exported', sandboxId, path, detail });
    await place.keepPart();
    if (!(await recordArchive(owner, { operationId, sandboxId, saved })))
      throw new SandkeeperError('conflict', 'Another process has taken over.');
    this.#saved = saved;
    this.#stage = 'saved';
  }

  /** What the ids of the leases begin with under which this operation wakes this sandbox. */
  get #mark(): string {
    return `save-${this.#order.operationId}-`;
  }

  async #waitOut(ms: number): Promise<void> {
    const { signal } = this.#order;
    await sleep(Math.min(ms, LONGEST_WAIT_MS), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

const STOPPED = {
  waiting: null,
  saving: 'Stopped while its files were being saved. It was not killed.',
  saved: 'Stopped after its files were saved. It was not killed.',
} as const;

/** The sandbox as it is awake for us, and for nobody else. */
async function readOurs({ id }: Sandbox, { result, lease }: WakeHold): Promise<Sandbox> {
  const now = await readNow(id);
  const isOurs =
    result === 'woken' &&
    lease?.isGuarded === true &&
    now?.state === 'running' &&
    now.startedAtMs === lease.runStartedAtMs;
  if (isOurs) return now;
  throw new SandkeeperError('conflict', 'Somebody else has resumed it in the meantime.');
}

function sayProgress({ entries, writtenBytes }: ArchiveProgress): string {
  const written = `${Math.round(writtenBytes / 1_000_000)} MB`;
  return `Saving its files: ${entries} ${entries === 1 ? 'entry' : 'entries'} so far, ${written} of archive`;
}

import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { noteAccess } from '../../access/audit';
import type { Who } from '../../access/sessions';
import { SandkeeperError } from '../../errors';
import type { Sandbox } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import { isSameLifetime, readNow } from '../../wake/steps';
import { findLease } from '../../wake/store';
import { type WakeHold, wakeKeeper } from '../../wake/wake-keeper';
import { findArchiveOf } from '../record/archives';
import { recordArchive } from '../record/claims';
import type { ItemArchive } from '../schema';
import type { Slot } from '../step/rate-limiter';
import { ArchivePlace } from './archive-place';
import { type ArchiveProgress, findFault, writeArchive } from './write-archive';

export type ArchiveOrder = {
  operationId: string;
  sandboxKey: SandboxKey;
  who: Who;
  /** The path to archive, as `parseArchivePath` writes it. */
  path: string;
  /** The process that has claimed the item. */
  owner: string;
  /** `null`: not configured. */
  archiveDir: string | null;
  limitBytes: number;
  /** An earlier process may have left an unfinished file, or the sandbox awake. */
  isTakenOver: boolean;
  signal: AbortSignal;
  /** Waits for one of the few slots. */
  takeSlot: () => Promise<Slot>;
  /** Receives the progress, as text for people. */
  onProgress: (message: string) => void;
  /** Throws if the claim is lost or the operation was stopped. */
  requireClaim: () => Promise<void>;
};

/** The steps before and after archiving. */
type Steps<T> = {
  /** Checks the sandbox once it has a slot. `null`: it may be archived. */
  check: () => Promise<T | null>;
  /** Kills the archived sandbox, which is awake even if it was paused. */
  kill: (now: Sandbox) => Promise<T>;
};

/** Thrown if the files could not be archived. The sandbox must not be killed. */
export class NotArchived extends Error {
  override readonly name = 'NotArchived';
  constructor(readonly reason: SandkeeperError) {
    super(reason.message, { cause: reason });
  }
}

/** How long a paused sandbox is woken at a time. The lease extends it while files are read. */
const AWAKE_MS = 5 * 60_000;
const MAX_TRIES = 5;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;

/**
 * Archives the files of one sandbox before its kill: writes them to this server, reads the archive back, records the
 * access, and only then kills. A paused sandbox is woken under a lease that pauses it again unless it is killed first
 * (docs/protocol.md#wake-sequence).
 */
export class Archiver {
  readonly #order: ArchiveOrder;
  #stage: 'waiting' | 'archiving' | 'archived' = 'waiting';
  #saved: ItemArchive | null = null;

  constructor(order: ArchiveOrder) {
    this.#order = order;
  }

  /** The finished archive. May be set although the kill failed. */
  get saved(): ItemArchive | null {
    return this.#saved;
  }

  /** What to tell people if it was stopped now. `null`: archiving had not started. */
  get stoppedMessage(): string | null {
    return STOPPED[this.#stage];
  }

  /** Whether this operation woke the sandbox, or paused it again afterwards. */
  async isOurWake(now: Sandbox): Promise<boolean> {
    const lease = await findLease(now.key);
    if (lease === null || !lease.id.startsWith(this.#mark)) return false;
    return lease.state === 'waking' || isSameLifetime(now, lease.runStartedAtMs);
  }

  /** Verifies the archive of a sandbox that an earlier process has killed. `null`: it archived nothing. */
  async recheck(): Promise<{ fault: string | null } | null> {
    const { operationId, sandboxKey, archiveDir } = this.#order;
    const saved = await findArchiveOf(operationId, sandboxKey);
    if (saved === null) return null;
    this.#saved = saved;
    if (archiveDir === null) return { fault: 'This server has no archive directory to check.' };
    try {
      return { fault: await findFault(await ArchivePlace.open(archiveDir, operationId, sandboxKey), saved) };
    } catch (thrown) {
      return { fault: SandkeeperError.from(thrown).message };
    }
  }

  /**
   * Archives the files unless `check` returns a result, then kills. Returns the result of either.
   * @throws NotArchived, whatever `kill` throws, or the reason of the signal
   */
  async archiveThen<T>(shown: Sandbox, steps: Steps<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#attempt(shown, steps);
      } catch (thrown) {
        if (this.#stage === 'archived') throw thrown;
        this.#order.signal.throwIfAborted();
        const reason = SandkeeperError.from(thrown);
        if (reason.code === 'unexpected') console.error(`Archiving ${shown.id}:`, reason.cause);
        if (reason.code !== 'rate_limited' || tries === MAX_TRIES) throw new NotArchived(reason);
        await this.#waitOut(reason.retryAfterMs ?? FIRST_WAIT_MS * 2 ** tries);
      }
    }
  }

  async #attempt<T>(shown: Sandbox, { check, kill }: Steps<T>): Promise<T> {
    const { who, takeSlot, onProgress } = this.#order;
    const slot = await takeSlot();
    const archiveAndKill = async (now: Sandbox) => {
      await this.#archive();
      // The kill waits for a slot of its own, so the next sandbox can be archived now.
      slot.release('fine');
      return kill(now);
    };
    try {
      const result = await check();
      if (result !== null) return result;
      this.#stage = 'archiving';
      if (shown.state !== 'paused') return await archiveAndKill(shown);
      onProgress('Waking it to archive its files');
      const input = {
        sandboxKey: shown.key,
        who,
        reason: 'to save its files before a kill',
        timeoutMs: AWAKE_MS,
        idPrefix: this.#mark,
      };
      return await wakeKeeper().withWake(input, async (hold) => archiveAndKill(await readOurs(shown, hold)));
    } finally {
      slot.release('fine');
    }
  }

  async #archive(): Promise<void> {
    const { operationId, sandboxKey, who, path, archiveDir, limitBytes, signal } = this.#order;
    if (archiveDir === null)
      throw new SandkeeperError('conflict', 'SANDKEEPER_ARCHIVE_DIR is not set on this server.');
    this.#order.onProgress('Archiving its files');
    const place = await ArchivePlace.open(archiveDir, operationId, sandboxKey);
    try {
      if (this.#order.isTakenOver) await place.sweep();
      const onProgress = (progress: ArchiveProgress) => this.#order.onProgress(describeProgress(progress));
      const written = await writeArchive(place, { sandboxKey, path, limitBytes, signal, onProgress });
      const saved: ItemArchive = { name: place.name, ...written };
      await this.#keep(place, saved, { who, path });
    } finally {
      await place.dropPart().catch(() => {});
    }
  }

  /** Records the archive. Throws if it cannot be recorded or the claim is lost: then the kill must not happen. */
  async #keep(
    place: ArchivePlace,
    saved: ItemArchive,
    { who, path }: Pick<ArchiveOrder, 'who' | 'path'>,
  ): Promise<void> {
    const { operationId, sandboxKey, owner, requireClaim } = this.#order;
    await requireClaim();
    const omitted = saved.leftOut === 0 ? '' : `, ${saved.leftOut} omitted`;
    const detail = `${saved.entries} ${saved.entries === 1 ? 'entry' : 'entries'}, ${saved.bytes} bytes${omitted}, as ${saved.name}`;
    await noteAccess(who, { kind: 'exported', sandboxKey, path, detail, request: operationId });
    await place.keepPart();
    if (!(await recordArchive(owner, { operationId, sandboxKey, saved })))
      throw new SandkeeperError('conflict', 'Another process has taken over.');
    this.#saved = saved;
    this.#stage = 'archived';
  }

  /** Prefix of the ids of this operation's wake leases. */
  get #mark(): string {
    return `save-${this.#order.operationId}-`;
  }

  async #waitOut(ms: number): Promise<void> {
    const { signal } = this.#order;
    await sleep(Math.min(ms, MAX_WAIT_MS), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

const STOPPED = {
  waiting: null,
  archiving: 'Stopped while its files were being archived. It was not killed.',
  archived: 'Stopped after its files were archived. It was not killed.',
} as const;

/** Reads the sandbox we woke. Throws `conflict` if somebody else has resumed it. */
async function readOurs({ key }: Sandbox, { result, lease }: WakeHold): Promise<Sandbox> {
  const now = await readNow(key);
  const isOurs =
    result === 'woken' &&
    lease?.isGuarded === true &&
    now?.state === 'running' &&
    isSameLifetime(now, lease.runStartedAtMs);
  if (isOurs) return now;
  throw new SandkeeperError('conflict', 'Someone else resumed it in the meantime.');
}

function describeProgress({ entries, writtenBytes }: ArchiveProgress): string {
  const written = `${Math.round(writtenBytes / 1_000_000)} MB`;
  return `Archiving its files: ${entries} ${entries === 1 ? 'entry' : 'entries'}, ${written} written`;
}

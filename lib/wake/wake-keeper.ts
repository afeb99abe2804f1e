import 'server-only';
import { randomBytes } from 'node:crypto';
import type { Who } from '../access/sessions';
import { config } from '../config';
import { connections } from '../connections/registry';
import { SandkeeperError } from '../errors';
import type { FleetEvent } from '../fleet/delta';
import type { FleetWatcher } from '../fleet/watcher';
import { fleetWatcher, watcherOf } from '../fleet/watchers';
import { LeaseTimer } from '../lease/lease-timer';
import { processOwner } from '../lease/owner';
import { type ConnectionName, connectionOf, SandboxKey } from '../sandbox-key';
import { singleton } from '../singleton';
import { WorkLoop } from '../work-loop';
import { WakeBook } from './book';
import { matchesLease, WakeCourse, wakeIsOver } from './course';
import type { WakeEvent, WakeResult } from './schema';
import { readNow, uniqueTimeout } from './steps';
import {
  findLease,
  forgetEndedLeases,
  releaseLeases,
  renewLeases,
  takeOverLeases,
  type Viewer,
  type WakeLease,
} from './store';
import { StoredViewers } from './stored-viewers';

type Options = {
  owner: string;
  /** Whether processes on other machines may share the database. */
  isShared: boolean;
  graceMs: number;
  claimMs?: number;
  intervalMs?: number;
  reconnectMs?: number;
  viewersTtlMs?: number;
  /** First wait before a failed pause is tried again. */
  retryMs?: number;
};

/** How a sandbox is kept awake for a task. `lease` is `null` if it runs for somebody else. */
export type WakeHold = { result: WakeResult; lease: WakeLease | null };

/** `id`: the session, if there is one. */
type Person = Who & { id?: string };

/** Extra grace after a restart, until browsers have reconnected. */
const RECONNECT_MS = 5_000;
const CLAIM_MS = 15_000;
const VIEWERS_TTL_MS = 12_000;
const INTERVAL_MS = 1_000;
const RETRY_MS = 1_000;
/** How long the outcome of a wake is shown. */
const KEEP_ENDED_MS = 10 * 60_000;
const CLEAN_UP_EVERY_MS = 60_000;
const MAX_CLOSE_MS = 5_000;
const MAX_WAIT_MS = 120_000;
const POLL_MS = 250;

/**
 * Wakes paused sandboxes under leases and makes sure that each wake ends in a pause. Every step is stored before it is sent,
 * so that another process can take over the leases of one that died
 * (docs/protocol.md#waking-a-paused-sandbox).
 */
export class WakeKeeper {
  readonly #options: Required<Options>;
  readonly #book: WakeBook;
  readonly #course: WakeCourse;
  readonly #loop = new WorkLoop({
    work: () => this.#checkAll(),
    failureMessage: 'Could not check the wakes:',
  });
  /** When the last viewer left, epoch ms by lease id. */
  readonly #emptySinceMs = new Map<string, number>();
  readonly #storedViewers: StoredViewers;
  /** Running steps, by sandbox id. */
  readonly #busy = new Map<SandboxKey, Promise<unknown>>();
  readonly #leaseTimer: LeaseTimer;
  #cleanedUpAtMs = 0;
  /** The fleets that are followed, and how to stop. */
  readonly #followed = new Map<ConnectionName, { watcher: FleetWatcher; stop: () => void }>();

  constructor(options: Options) {
    this.#options = {
      claimMs: CLAIM_MS,
      intervalMs: INTERVAL_MS,
      reconnectMs: RECONNECT_MS,
      viewersTtlMs: VIEWERS_TTL_MS,
      retryMs: RETRY_MS,
      ...options,
    };
    this.#leaseTimer = new LeaseTimer(this.#options.claimMs);
    this.#book = new WakeBook(this.#options);
    this.#course = new WakeCourse(this.#book, this.#options);
    this.#storedViewers = new StoredViewers(this.#book, this.#options);
  }

  /** Takes over the leases of earlier processes, now and periodically. Call once at start. */
  async open(): Promise<void> {
    await this.#book.read();
    this.#loop.poke();
  }

  /**
   * Sends the state of a wake and every change of it. A viewer who `counts` keeps the sandbox awake. Returns a function
   * that unsubscribes.
   */
  subscribe(
    topicKey: string,
    viewer: Viewer & { counts: boolean },
    send: (event: WakeEvent) => void,
  ): () => void {
    const { data: sandboxKey } = SandboxKey.safeParse(topicKey);
    if (sandboxKey === undefined) return () => {};
    const stop = this.#book.subscribe(sandboxKey, { ...viewer, send });
    this.#loop.poke();
    return () => {
      stop();
      this.#loop.poke();
    };
  }

  /**
   * Wakes a paused sandbox for about `timeoutMs`, after which its timeout pauses it, or joins an active wake. A sandbox that
   * runs for somebody else is left alone. `reason` goes into the audit log.
   * @throws SandkeeperError `not_found`, `conflict`, `quota` (too many running), `invalid` (too long)
   */
  wake(
    person: Person,
    sandboxKey: SandboxKey,
    timeoutMs: number,
    reason = '',
    idPrefix = '',
  ): Promise<WakeResult> {
    return this.#exclusively(sandboxKey, async () => {
      const known = await this.#course.current(sandboxKey);
      if (known?.state === 'pausing')
        throw new SandkeeperError('conflict', 'The sandbox is being paused. Try again in a moment.');
      const lease = this.#newLease(person, sandboxKey, uniqueTimeout(timeoutMs), idPrefix);
      if (known !== null || !(await this.#book.begin(lease, this.#options.claimMs))) return 'joined';
      if (person.id !== undefined)
        this.#book.expect(sandboxKey, { sessionId: person.id, userId: person.userId, actor: person.actor });
      return this.#course.wake(lease, `For ${inMinutes(timeoutMs)}${reason}`);
    });
  }

  /**
   * Extends a wake by up to `byMs`. Returns the time that the service granted, in ms.
   * @throws SandkeeperError `conflict` when the wake is over
   */
  extend({ userId, actor }: Person, sandboxKey: SandboxKey, byMs: number, reason = ''): Promise<number> {
    return this.#exclusively(sandboxKey, async () => {
      const lease = await this.#course.current(sandboxKey);
      if (lease?.state !== 'awake') throw wakeIsOver();
      const endsAtMs = await this.#course.moveEnd(lease, Math.max(lease.endsAtMs, Date.now()) + byMs);
      const grantedMs = endsAtMs - lease.endsAtMs;
      const words = `By ${inMinutes(grantedMs)}${reason}`;
      await this.#book.note({ userId, actor }, 'review-extended', sandboxKey, words);
      return grantedMs;
    });
  }

  /**
   * Ends a wake for every viewer by pausing the sandbox.
   * @throws SandkeeperError `conflict` when the wake is over; `unavailable` when the pause failed and is retried
   */
  endNow(person: Person, sandboxKey: SandboxKey, how: 'asked' | 'finished' = 'asked'): Promise<void> {
    return this.#exclusively(sandboxKey, async () => {
      const lease = await findLease(sandboxKey);
      if (lease?.state !== 'awake' && lease?.state !== 'pausing') throw wakeIsOver();
      const problem = await this.#course.pause(lease, how, person);
      if (problem === null) return;
      throw new SandkeeperError(
        'unavailable',
        `The sandbox is not paused yet. Sandkeeper is retrying. ${problem}`,
      );
    });
  }

  /**
   * Runs `work` while the sandbox is awake. Wakes a paused sandbox first and pauses it again afterwards, in any case. A
   * sandbox that runs for somebody else is left alone. `reason` goes into the audit log. A lease whose id starts with
   * `idPrefix` counts as our own, even from an earlier process.
   * @throws the errors of `work` and of `wake`
   */
  async withWake<T>(
    {
      sandboxKey,
      who: { userId, actor },
      reason,
      timeoutMs,
      idPrefix = '',
    }: { sandboxKey: SandboxKey; who: Who; reason: string; timeoutMs: number; idPrefix?: string },
    work: (hold: WakeHold) => Promise<T>,
  ): Promise<T> {
    const person = { userId, actor, id: `work-${randomBytes(9).toString('base64url')}` };
    const stop = this.subscribe(sandboxKey, { sessionId: person.id, userId, actor, counts: true }, () => {});
    let keeping: NodeJS.Timeout | undefined;
    let result: WakeResult = 'joined';
    try {
      await this.#until(sandboxKey, (state) => state !== 'pausing');
      result = await this.wake(person, sandboxKey, timeoutMs, `, ${reason}`, idPrefix);
      if (result !== 'running') await this.#until(sandboxKey, (state) => state === 'awake' || state === null);
      keeping = setInterval(() => void this.#keepAwake(person, sandboxKey, timeoutMs, reason), timeoutMs / 4);
      const lease = result === 'running' ? null : await findLease(sandboxKey);
      if (idPrefix !== '' && lease?.id.startsWith(idPrefix)) result = 'woken';
      return await work({ result, lease });
    } finally {
      clearInterval(keeping);
      stop();
      // Other viewers keep it awake. A failed pause is retried by the loop.
      if (result === 'woken' && this.#book.viewersOf(sandboxKey).length === 0)
        await this.endNow(person, sandboxKey, 'finished').catch(() => {});
    }
  }

  /** Releases the leases for other processes. */
  async close(): Promise<void> {
    await this.#loop.close();
    this.#followFleet(false);
    await Promise.race([Promise.allSettled(this.#busy.values()), wait(MAX_CLOSE_MS)]);
    await releaseLeases(this.#options.owner).catch(() => {});
    await this.#storedViewers.remove().catch(() => {});
  }

  #newLease(
    { userId, actor }: Person,
    sandboxKey: SandboxKey,
    timeoutMs: number,
    idPrefix: string,
  ): WakeLease {
    const nowMs = Date.now();
    return {
      id: `${idPrefix}${randomBytes(12).toString('base64url')}`,
      sandboxKey,
      state: 'waking',
      userId,
      actor,
      begunAtMs: nowMs,
      timeoutMs,
      isGuarded: false,
      runStartedAtMs: 0,
      endsAtMs: nowMs + timeoutMs,
      ending: null,
      problem: null,
      claimedBy: this.#options.owner,
    };
  }

  async #checkAll(): Promise<number> {
    await this.#book.read();
    await this.#takeOver();
    await this.#renew();
    const leases = this.#book.underWay();
    this.#followFleet(leases.length > 0);
    for (const lease of leases) {
      await this.#book.noteVisits(lease);
      const { claimedBy, sandboxKey } = lease;
      // A running step already handles this sandbox. The next round checks it again.
      if (claimedBy === this.#options.owner && !this.#busy.has(sandboxKey)) void this.#check(sandboxKey);
    }
    await this.#storedViewers.update(leases);
    await this.#cleanUp(leases);
    const { intervalMs } = this.#options;
    return leases.length > 0 || this.#book.hasSubscribers ? intervalMs : 2 * intervalMs;
  }

  async #cleanUp(leases: readonly WakeLease[]): Promise<void> {
    const ids = new Set(leases.map(({ id }) => id));
    for (const id of this.#emptySinceMs.keys()) if (!ids.has(id)) this.#emptySinceMs.delete(id);
    const nowMs = Date.now();
    if (nowMs - this.#cleanedUpAtMs < CLEAN_UP_EVERY_MS) return;
    this.#cleanedUpAtMs = nowMs;
    await forgetEndedLeases(KEEP_ENDED_MS);
  }

  /** Takes over the leases of processes that have ended or no longer renew. */
  async #takeOver(): Promise<void> {
    const { owner, isShared, claimMs, reconnectMs } = this.#options;
    if (this.#book.underWay().every(({ claimedBy }) => claimedBy === owner)) return;
    const ids = await takeOverLeases({ owner, leaseMs: claimMs, isShared });
    for (const id of ids) this.#emptySinceMs.set(id, Date.now() + reconnectMs);
    if (ids.length > 0) await this.#book.read();
  }

  async #renew(): Promise<void> {
    const { owner, claimMs } = this.#options;
    const isHolding = this.#book.underWay().some(({ claimedBy }) => claimedBy === owner);
    if (!isHolding || this.#leaseTimer.leftMs > claimMs / 2) return;
    await this.#leaseTimer.renew(() => renewLeases({ owner, leaseMs: claimMs }));
  }

  /** The fleet shows changes by other clients, so it is followed while there are wakes. */
  #followFleet(isWanted: boolean): void {
    if (!isWanted) {
      for (const { stop } of this.#followed.values()) stop();
      this.#followed.clear();
      return;
    }
    for (const { sandboxKey } of this.#book.underWay()) {
      const name = connectionOf(sandboxKey);
      if (!connections().enabled().includes(name)) continue;
      const watcher = fleetWatcher(name);
      const followed = this.#followed.get(name);
      // A connection that was disabled meanwhile has another watcher.
      if (followed?.watcher === watcher) continue;
      followed?.stop();
      const stop = watcher.listen((event) => {
        if (keysIn(event).some((key) => this.#book.find(key) !== null)) this.#loop.poke();
      });
      this.#followed.set(name, { watcher, stop });
    }
  }

  async #check(sandboxKey: SandboxKey): Promise<void> {
    await this.#exclusively(sandboxKey, async () => {
      const lease = this.#book.find(sandboxKey);
      if (lease?.state === 'waking') await this.#course.settleWaking(lease);
      if (lease?.state === 'awake') await this.#watch(lease);
      if (lease?.state === 'pausing' && this.#course.isPauseDue(lease))
        await this.#course.pause(lease, 'asked', null);
    }).catch((thrown) => {
      const { code, cause } = SandkeeperError.from(thrown);
      // Other failures are the service's. The next round retries.
      if (code === 'unexpected') console.error(`Could not check the wake of ${sandboxKey}:`, cause);
    });
  }

  /** Ends a wake when its time is up, its last viewer has left, or another client ended it. */
  async #watch(lease: WakeLease): Promise<void> {
    const { id, sandboxKey, endsAtMs, isGuarded } = lease;
    const nowMs = Date.now();
    if (this.#book.viewersOf(sandboxKey).length > 0) this.#emptySinceMs.delete(id);
    else if (!this.#emptySinceMs.has(id)) this.#emptySinceMs.set(id, nowMs);
    const emptySinceMs = this.#emptySinceMs.get(id) ?? nowMs;
    if (nowMs - emptySinceMs >= this.#options.graceMs) {
      await this.#course.pause(lease, 'left', null);
      return;
    }
    if (!isGuarded && nowMs >= endsAtMs) {
      await this.#course.pause(lease, 'time', null);
      return;
    }
    const row = watcherOf(sandboxKey).find(sandboxKey);
    if (row !== undefined && matchesLease(lease, row) && nowMs < endsAtMs) return;
    const sandbox = await readNow(sandboxKey);
    const current = await this.#course.judge(lease, sandbox);
    if (current !== null && sandbox !== null && !isGuarded)
      await this.#course.postponeDeadline(current, sandbox);
  }

  async #keepAwake(person: Person, sandboxKey: SandboxKey, timeoutMs: number, reason: string): Promise<void> {
    const lease = this.#book.find(sandboxKey);
    if (lease?.state !== 'awake' || lease.endsAtMs - Date.now() > timeoutMs / 2) return;
    await this.extend(person, sandboxKey, timeoutMs / 2, `, ${reason}`).catch(() => {});
  }

  /** Waits until the state matches, `null` meaning no active wake. Throws `timeout` after two minutes. */
  async #until(
    sandboxKey: SandboxKey,
    matches: (state: WakeLease['state'] | null) => boolean,
  ): Promise<void> {
    const giveUpAtMs = Date.now() + MAX_WAIT_MS;
    for (;;) {
      const lease = await findLease(sandboxKey);
      if (matches(lease === null || lease.state === 'ended' ? null : lease.state)) return;
      if (Date.now() > giveUpAtMs)
        throw new SandkeeperError('timeout', 'The wake made no progress for two minutes. Try again.');
      await wait(POLL_MS);
    }
  }

  /** Runs the steps of one sandbox one after the other. */
  #exclusively<T>(sandboxKey: SandboxKey, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(sandboxKey) ?? Promise.resolve();
    const done = before.then(work, work);
    this.#busy.set(sandboxKey, done);
    const forget = () => {
      if (this.#busy.get(sandboxKey) === done) this.#busy.delete(sandboxKey);
    };
    done.then(forget, forget);
    return done;
  }
}

function keysIn(event: FleetEvent): SandboxKey[] {
  if (event.kind !== 'delta') return [];
  return [...event.delta.changed.map(({ key }) => key), ...event.delta.removed];
}

function inMinutes(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.round(ms / 1_000))} s` : `${Math.round(ms / 60_000)} min`;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function wakeKeeper(): WakeKeeper {
  return singleton('wake-keeper', () => {
    const { databaseUrl, timing } = config();
    const isShared = !databaseUrl.startsWith('file:');
    return new WakeKeeper({ owner: processOwner(), isShared, graceMs: timing.wakeGraceMs });
  });
}

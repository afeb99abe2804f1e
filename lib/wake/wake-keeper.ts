import 'server-only';
import { randomBytes } from 'node:crypto';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import type { FleetEvent } from '../fleet/delta';
import { fleetWatcher } from '../fleet/watcher';
import { hasEnded, newOwner } from '../lease/owner';
import { SandboxId } from '../sandbox/schema';
import { singleton } from '../singleton';
import { WorkLoop } from '../work-loop';
import { WakeBook } from './book';
import { isAsKnown, isOver, WakeCourse } from './course';
import type { WakeEvent, WakeResult } from './schema';
import { readNow, unlikeOthers } from './steps';
import {
  findLease,
  forgetEndedLeases,
  renewLeases,
  sayViewers,
  takeBackViewers,
  takeOverLease,
  type Viewer,
  type WakeLease,
} from './store';

type Options = {
  owner: string;
  /** Other processes than those of this machine may share the database. */
  isShared: boolean;
  graceMs?: number;
  claimMs?: number;
};

/** How a sandbox is awake for work of ours. `lease`: the review under which it is, `null` where somebody else runs it. */
export type WakeHold = { result: WakeResult; lease: WakeLease | null };

/** Somebody, and where there is one the session under which they look. */
type Who = { actor: string; id?: string };

/** Nobody looks for this long before it is paused: a reload, a short loss of the connection. */
const GRACE_MS = 15_000;
/** After a restart browsers need a moment longer to find us again. */
const RETURN_MS = 5_000;
const CLAIM_MS = 15_000;
const VIEWERS_COUNT_MS = 12_000;
const TURN_MS = 1_000;
const IDLE_TURN_MS = 2_000;
/** How long whoever looks in learns how the last review ended. */
const TELL_ENDED_MS = 10 * 60_000;
const FORGET_EVERY_MS = 60_000;
const CLOSE_WITHIN_MS = 5_000;
const WAIT_FOR_OTHERS_MS = 120_000;
const POLL_MS = 250;

/**
 * Keeps the reviews of paused sandboxes: wakes them, notices who looks and what others do to them, and sees to it that
 * each ends in a pause, whoever leaves or crashes. Every step is written down first, so that a process that dies leaves
 * nothing awake: its successor, or another one over the same database, takes its reviews over
 * (docs/protocol.md#waking-a-paused-sandbox).
 */
export class WakeKeeper {
  readonly #options: Required<Options>;
  readonly #book: WakeBook;
  readonly #course: WakeCourse;
  readonly #turns = new WorkLoop({ turn: () => this.#turn(), doing: 'Wakes cannot be seen to:' });
  /** Since when nobody looks, epoch ms by lease. */
  readonly #emptySinceMs = new Map<string, number>();
  /** What we have said of viewers, and when it must be said again, by sandbox id. */
  readonly #said = new Map<string, { text: string; againAtMs: number }>();
  /** Work under way, by sandbox id. */
  readonly #busy = new Map<string, Promise<unknown>>();
  #claimedUntilMs = 0;
  #forgotAtMs = 0;
  #stopFleet: (() => void) | null = null;

  constructor(options: Options) {
    this.#options = { graceMs: GRACE_MS, claimMs: CLAIM_MS, ...options };
    this.#book = new WakeBook(this.#options);
    this.#course = new WakeCourse(this.#book, this.#options);
  }

  /** Takes up the reviews that an earlier process has left, and looks for more from time to time. Call once at start. */
  async open(): Promise<void> {
    await this.#book.read();
    this.#turns.poke();
  }

  /**
   * Tells how the review of a sandbox stands, then of every change, until the answered function is called. While somebody
   * who `counts` listens, a review is not ended for want of viewers.
   */
  look(
    sandboxId: string,
    viewer: Viewer & { counts: boolean },
    tell: (event: WakeEvent) => void,
  ): () => void {
    if (!SandboxId.safeParse(sandboxId).success) return () => {};
    const stop = this.#book.look(sandboxId, { ...viewer, tell });
    this.#turns.poke();
    return () => {
      stop();
      this.#turns.poke();
    };
  }

  /**
   * Wakes a paused sandbox for about `timeoutMs`, after which it pauses by itself, or joins a review that is under way.
   * One that somebody else runs is left alone. `why` goes into the record.
   * @throws SandkeeperError `not_found`, `conflict`, `quota` when as many run as may, `invalid` when that is too long
   */
  wake(who: Who, sandboxId: string, timeoutMs: number, why = '', mark = ''): Promise<WakeResult> {
    return this.#exclusively(sandboxId, async () => {
      const known = await this.#course.current(sandboxId);
      if (known?.state === 'pausing')
        throw new SandkeeperError('conflict', 'It is being paused at this moment. Try again once it is.');
      const lease = this.#newLease(who, sandboxId, unlikeOthers(timeoutMs), mark);
      if (known !== null || !(await this.#book.begin(lease))) return 'joined';
      if (who.id !== undefined) this.#book.expect(sandboxId, { sessionId: who.id, actor: who.actor });
      return this.#course.wake(lease, `For ${inMinutes(timeoutMs)}${why}`);
    });
  }

  /**
   * Moves the end of a review to `byMs` later, and answers by how much it moved: the service may grant less.
   * @throws SandkeeperError `conflict` when it is over
   */
  extend({ actor }: Who, sandboxId: string, byMs: number, why = ''): Promise<number> {
    return this.#exclusively(sandboxId, async () => {
      const lease = await this.#course.current(sandboxId);
      if (lease?.state !== 'awake') throw isOver();
      const endsAtMs = await this.#course.moveEnd(lease, Math.max(lease.endsAtMs, Date.now()) + byMs);
      const grantedMs = endsAtMs - lease.endsAtMs;
      await this.#book.note({ actor }, 'review-extended', sandboxId, `By ${inMinutes(grantedMs)}${why}`);
      return grantedMs;
    });
  }

  /**
   * Pauses a sandbox under review again, at once and for everybody.
   * @throws SandkeeperError `conflict` when it is over; `unavailable` when that failed: it is tried again
   */
  endNow({ actor }: Who, sandboxId: string, how: 'asked' | 'finished' = 'asked'): Promise<void> {
    return this.#exclusively(sandboxId, async () => {
      const lease = await findLease(sandboxId);
      if (lease?.state !== 'awake' && lease?.state !== 'pausing') throw isOver();
      const problem = await this.#course.pause(lease, how, actor);
      if (problem === null) return;
      throw new SandkeeperError('unavailable', `It is not paused yet, and this is tried again. ${problem}`);
    });
  }

  /**
   * Does `work` while the sandbox runs: one that is paused is woken for it, with a time-out that pauses, and paused again
   * afterwards, whatever happens. One that somebody else runs is left as it is. `why` goes into the record. A review whose
   * id begins with `mark` is taken for our own, whichever process began it.
   * @throws what `work` throws, or what keeps it from being woken: see `wake`
   */
  async withWake<T>(
    {
      sandboxId,
      actor,
      why,
      timeoutMs,
      mark = '',
    }: { sandboxId: string; actor: string; why: string; timeoutMs: number; mark?: string },
    work: (hold: WakeHold) => Promise<T>,
  ): Promise<T> {
    const who = { actor, id: `work-${randomBytes(9).toString('base64url')}` };
    const stop = this.look(sandboxId, { sessionId: who.id, actor, counts: true }, () => {});
    let keeping: NodeJS.Timeout | undefined;
    let result: WakeResult = 'joined';
    try {
      await this.#until(sandboxId, (state) => state !== 'pausing');
      result = await this.wake(who, sandboxId, timeoutMs, `, ${why}`, mark);
      if (result !== 'running') await this.#until(sandboxId, (state) => state === 'awake' || state === null);
      keeping = setInterval(() => void this.#keepAwake(who, sandboxId, timeoutMs, why), timeoutMs / 4);
      const lease = result === 'running' ? null : await findLease(sandboxId);
      if (mark !== '' && lease?.id.startsWith(mark)) result = 'woken';
      return await work({ result, lease });
    } finally {
      clearInterval(keeping);
      stop();
      // Others who look keep it awake; what fails here is tried again until it is paused.
      if (result === 'woken' && this.#book.viewersOf(sandboxId).length === 0)
        await this.endNow(who, sandboxId, 'finished').catch(() => {});
    }
  }

  /** Lets others take over what is under way. */
  async close(): Promise<void> {
    await this.#turns.close();
    this.#stopFleet?.();
    await Promise.race([Promise.allSettled(this.#busy.values()), wait(CLOSE_WITHIN_MS)]);
    await renewLeases(this.#options.owner, 0).catch(() => {});
    await takeBackViewers(this.#options.owner).catch(() => {});
  }

  #newLease({ actor }: Who, sandboxId: string, timeoutMs: number, mark: string): WakeLease {
    const nowMs = Date.now();
    return {
      id: `${mark}${randomBytes(12).toString('base64url')}`,
      sandboxId,
      state: 'waking',
      actor,
      begunAtMs: nowMs,
      timeoutMs,
      isGuarded: false,
      runStartedAtMs: 0,
      endsAtMs: nowMs + timeoutMs,
      ending: null,
      problem: null,
      claimedBy: this.#options.owner,
      claimedUntilMs: nowMs + this.#options.claimMs,
    };
  }

  async #turn(): Promise<number> {
    await this.#book.read();
    await this.#takeOver();
    await this.#renew();
    const leases = this.#book.underWay();
    this.#followFleet(leases.length > 0);
    for (const lease of leases) {
      await this.#book.noteVisits(lease);
      const { claimedBy, sandboxId } = lease;
      // What is being done to it is done by somebody who knows; it is looked at again in a moment.
      if (claimedBy === this.#options.owner && !this.#busy.has(sandboxId)) void this.#attend(sandboxId);
    }
    await this.#sayViewers(leases);
    await this.#forget(leases);
    return leases.length > 0 || this.#book.isLookedAt ? TURN_MS : IDLE_TURN_MS;
  }

  async #forget(leases: readonly WakeLease[]): Promise<void> {
    const ids = new Set(leases.map(({ id }) => id));
    for (const id of this.#emptySinceMs.keys()) if (!ids.has(id)) this.#emptySinceMs.delete(id);
    const nowMs = Date.now();
    if (nowMs - this.#forgotAtMs < FORGET_EVERY_MS) return;
    this.#forgotAtMs = nowMs;
    await forgetEndedLeases(nowMs - TELL_ENDED_MS);
  }

  /** Takes over what a process that has ended or fallen silent has left. */
  async #takeOver(): Promise<void> {
    const { owner, isShared, claimMs } = this.#options;
    const nowMs = Date.now();
    let isChanged = false;
    for (const lease of this.#book.underWay()) {
      if (lease.claimedBy === owner) continue;
      // Where all processes are of this machine, the claim of a dead one need not run out first.
      const isFree = lease.claimedUntilMs < nowMs || (!isShared && hasEnded(lease.claimedBy, owner));
      if (!isFree || !(await takeOverLease(lease, { owner, untilMs: nowMs + claimMs }))) continue;
      this.#emptySinceMs.set(lease.id, nowMs + RETURN_MS);
      isChanged = true;
    }
    if (isChanged) await this.#book.read();
  }

  async #renew(): Promise<void> {
    const { owner, claimMs } = this.#options;
    const nowMs = Date.now();
    const isHolding = this.#book.underWay().some(({ claimedBy }) => claimedBy === owner);
    if (!isHolding || this.#claimedUntilMs - nowMs > claimMs / 2) return;
    await renewLeases(owner, nowMs + claimMs);
    this.#claimedUntilMs = nowMs + claimMs;
  }

  /** The list of the fleet tells of what others do, so it is read while there is a review. */
  #followFleet(isWanted: boolean): void {
    if (!isWanted) {
      this.#stopFleet?.();
      this.#stopFleet = null;
      return;
    }
    this.#stopFleet ??= fleetWatcher().listen((event) => {
      if (idsIn(event).some((id) => this.#book.find(id) !== null)) this.#turns.poke();
    });
  }

  async #attend(sandboxId: string): Promise<void> {
    await this.#exclusively(sandboxId, async () => {
      const lease = this.#book.find(sandboxId);
      if (lease?.state === 'waking') await this.#course.seeWhetherItWoke(lease);
      if (lease?.state === 'awake') await this.#watch(lease);
      if (lease?.state === 'pausing' && this.#course.isPauseDue(lease))
        await this.#course.pause(lease, 'asked', null);
    }).catch((thrown) => {
      const { code, cause } = SandkeeperError.from(thrown);
      // The service cannot be asked just now; it is asked again in a moment.
      if (code === 'unexpected') console.error(`The review of ${sandboxId}:`, cause);
    });
  }

  /** Ends a review whose time is up, that nobody looks at, or that others have ended. */
  async #watch(lease: WakeLease): Promise<void> {
    const { id, sandboxId, endsAtMs, isGuarded } = lease;
    const nowMs = Date.now();
    if (this.#book.viewersOf(sandboxId).length > 0) this.#emptySinceMs.delete(id);
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
    const row = fleetWatcher().find(sandboxId);
    if (row !== undefined && isAsKnown(lease, row) && nowMs < endsAtMs) return;
    const sandbox = await readNow(sandboxId);
    const current = await this.#course.judge(lease, sandbox);
    if (current !== null && sandbox !== null && !isGuarded)
      await this.#course.keepDeadlineAway(current, sandbox);
  }

  /** Says to other processes who looks through this one, before they pause what they believe is not looked at. */
  async #sayViewers(leases: readonly WakeLease[]): Promise<void> {
    const nowMs = Date.now();
    const ids = new Set([...leases.map(({ sandboxId }) => sandboxId), ...this.#said.keys()]);
    for (const sandboxId of ids) {
      const isOver = this.#book.find(sandboxId) === null;
      const viewers = isOver ? [] : this.#book.ownViewersOf(sandboxId);
      const said = this.#said.get(sandboxId);
      const text = JSON.stringify(viewers);
      if (viewers.length === 0 && said === undefined) continue;
      if (text === said?.text && nowMs < said.againAtMs) continue;
      await sayViewers(this.#options.owner, sandboxId, viewers, nowMs + VIEWERS_COUNT_MS);
      if (viewers.length === 0) this.#said.delete(sandboxId);
      else this.#said.set(sandboxId, { text, againAtMs: nowMs + VIEWERS_COUNT_MS / 3 });
    }
  }

  async #keepAwake(who: Who, sandboxId: string, timeoutMs: number, why: string): Promise<void> {
    const lease = this.#book.find(sandboxId);
    if (lease?.state !== 'awake' || lease.endsAtMs - Date.now() > timeoutMs / 2) return;
    await this.extend(who, sandboxId, timeoutMs / 2, `, ${why}`).catch(() => {});
  }

  /** Waits until a review stands so, `null` being none under way; not for ever. */
  async #until(sandboxId: string, isSo: (state: WakeLease['state'] | null) => boolean): Promise<void> {
    const giveUpAtMs = Date.now() + WAIT_FOR_OTHERS_MS;
    for (;;) {
      const lease = await findLease(sandboxId);
      if (isSo(lease === null || lease.state === 'ended' ? null : lease.state)) return;
      if (Date.now() > giveUpAtMs)
        throw new SandkeeperError('timeout', 'Its review has not come any further for two minutes.');
      await wait(POLL_MS);
    }
  }

  /** One thing at a time is done to a sandbox here. */
  #exclusively<T>(sandboxId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(sandboxId) ?? Promise.resolve();
    const done = before.then(work, work);
    this.#busy.set(sandboxId, done);
    const forget = () => {
      if (this.#busy.get(sandboxId) === done) this.#busy.delete(sandboxId);
    };
    done.then(forget, forget);
    return done;
  }
}

function idsIn(event: FleetEvent): string[] {
  if (event.kind !== 'delta') return [];
  return [...event.delta.changed.map(({ id }) => id), ...event.delta.removed];
}

function inMinutes(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.round(ms / 1_000))} s` : `${Math.round(ms / 60_000)} min`;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The keeper of this process. */
export function wakeKeeper(): WakeKeeper {
  return singleton('review-keeper', () => {
    const isShared = !config().databaseUrl.startsWith('file:');
    return new WakeKeeper({ owner: newOwner(), isShared });
  });
}

import 'server-only';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import { setSandboxTimeout } from '../sandbox-api/control';
import type { WakeBook } from './book';
import type { WakeEnd, WakeResult } from './schema';
import { isOurRun, isSameRun, isUncertain, pauseOurs, readNow, wakePaused } from './steps';
import { findLease, type WakeLease } from './store';

type Options = { owner: string; claimMs: number };

/** A wake that was never answered has happened by then, or will not. */
const WAKES_WITHIN_MS = 30_000;
/** How long before a deadline whose policy nobody knows the review ends. */
const MARGIN_MS = 60_000;
/** A deadline that is off by less is no news. */
const DEADLINE_SLACK_MS = 500;
/** One that is found paused so shortly before its deadline was paused by that. */
const TIME_SLACK_MS = 2_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

/**
 * The course of a review, step by step: asked, awake, pausing, over. Each step is sent, read again, and written into the
 * book; two of one review are never taken at a time.
 */
export class WakeCourse {
  readonly #book: WakeBook;
  readonly #options: Options;
  /** When a pause that failed is tried again, by lease. */
  readonly #retries = new Map<string, { failures: number; dueAtMs: number; isDoubtful: boolean }>();

  constructor(book: WakeBook, options: Options) {
    this.#book = book;
    this.#options = options;
  }

  /** Whether a pause that failed is to be tried again now. */
  isPauseDue({ id }: WakeLease): boolean {
    return (this.#retries.get(id)?.dueAtMs ?? 0) <= Date.now();
  }

  /** Wakes it. What keeps it from waking is thrown; the review is over then, unless it may be awake all the same. */
  async wake(lease: WakeLease, detail: string): Promise<WakeResult> {
    try {
      const woken = await wakePaused(lease.sandboxId, lease.timeoutMs);
      if (woken.kind === 'awake') {
        await this.#awoken(lease, woken, detail);
        return 'woken';
      }
      await this.#book.drop(lease);
      return 'running';
    } catch (thrown) {
      const { message } = SandkeeperError.from(thrown);
      // It may be awake all the same: readings will tell.
      if (isUncertain(thrown)) await this.#book.change(lease, ['waking'], { problem: message });
      else await this.#book.drop(lease);
      throw thrown;
    }
  }

  async #awoken(
    lease: WakeLease,
    { sandbox, isGuarded }: { sandbox: Sandbox; isGuarded: boolean },
    detail: string,
  ): Promise<void> {
    const awake = await this.#book.change(lease, ['waking'], {
      state: 'awake',
      isGuarded,
      runStartedAtMs: sandbox.startedAtMs,
      endsAtMs: isGuarded ? sandbox.endAtMs : Date.now() + lease.timeoutMs,
      problem: null,
    });
    if (awake === null) return;
    const policy = isGuarded
      ? 'its time-out pauses it from now on'
      : 'another client started it in the same moment';
    await this.#book.note(lease, 'review-woken', lease.sandboxId, `${detail}; ${policy}`);
    if (!isGuarded) await this.keepDeadlineAway(awake, sandbox);
  }

  /** The review of this sandbox that is still under way, by a reading of its own, or `null`. */
  async current(sandboxId: string): Promise<WakeLease | null> {
    const lease = await findLease(sandboxId);
    if (lease === null || lease.state === 'ended') return null;
    return lease.state === 'awake' ? this.judge(lease, await readNow(sandboxId)) : lease;
  }

  /** What a reading means for a review; `null`: it is over. */
  async judge(lease: WakeLease, sandbox: Sandbox | null): Promise<WakeLease | null> {
    const how = endSeenIn(lease, sandbox);
    if (how !== null || sandbox === null) {
      await this.#book.end(lease, how ?? 'gone');
      return null;
    }
    const isMoved = Math.abs(sandbox.endAtMs - lease.endsAtMs) > DEADLINE_SLACK_MS;
    if (!lease.isGuarded || !isMoved) return lease;
    // Somebody has set it elsewhere; what happens then stays as it was.
    return (await this.#book.change(lease, ['awake'], { endsAtMs: sandbox.endAtMs })) ?? lease;
  }

  /** Lets the review end at `wantedMs`, or as late as the service allows; answers when it ends. */
  async moveEnd(lease: WakeLease, wantedMs: number): Promise<number> {
    const marginMs = lease.isGuarded ? 0 : MARGIN_MS;
    const refusal = await setDeadline(lease.sandboxId, wantedMs + marginMs);
    const sandbox = await readNow(lease.sandboxId);
    if (sandbox === null || (await this.judge(lease, sandbox)) === null) throw isOver();
    if (refusal !== null) throw refusal;
    const endsAtMs = lease.isGuarded ? sandbox.endAtMs : Math.min(wantedMs, sandbox.endAtMs - marginMs);
    await this.#book.change(lease, ['awake'], { endsAtMs });
    return endsAtMs;
  }

  /** Where nobody knows what the time-out does: moves it well behind the end of the review, or else that before it. */
  async keepDeadlineAway(lease: WakeLease, sandbox: Sandbox): Promise<void> {
    if (sandbox.endAtMs >= lease.endsAtMs + MARGIN_MS - TIME_SLACK_MS) return;
    await setDeadline(lease.sandboxId, lease.endsAtMs + MARGIN_MS);
    const after = await readNow(lease.sandboxId);
    if (after === null || (await this.judge(lease, after)) === null) return;
    const latestMs = after.endAtMs - MARGIN_MS;
    if (latestMs < lease.endsAtMs - TIME_SLACK_MS)
      await this.#book.change(lease, ['awake'], { endsAtMs: latestMs });
  }

  /** One attempt to pause it. Answers what went wrong, or `null` when the review is over. */
  async pause(lease: WakeLease, how: WakeEnd, by: string | null): Promise<string | null> {
    const { owner, claimMs } = this.#options;
    const nowMs = Date.now();
    const pausing = await this.#book.change(lease, ['awake', 'pausing'], {
      state: 'pausing',
      ...(lease.state === 'pausing' ? {} : { ending: { how, by, atMs: nowMs, note: null } }),
      claimedBy: owner,
      claimedUntilMs: nowMs + claimMs,
    });
    if (pausing === null) return null;
    const retry = this.#retries.get(lease.id);
    const verdict = await pauseOurs(pausing, retry?.isDoubtful ?? pausing.problem !== null);
    if (verdict.kind === 'not-yet') {
      const { message, isDoubtful } = verdict;
      const failures = (retry?.failures ?? 0) + 1;
      const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
      this.#retries.set(lease.id, { failures, dueAtMs: Date.now() + waitMs, isDoubtful });
      await this.#book.change(pausing, ['pausing'], { problem: message });
      return message;
    }
    this.#retries.delete(lease.id);
    const ending = pausing.ending ?? { how, by };
    const note = verdict.kind === 'paused' && verdict.isDoubtful ? MAY_BE_OLDER : null;
    if (verdict.kind === 'paused') await this.#book.end(pausing, ending.how, { by: ending.by, note });
    else await this.#book.end(pausing, verdict.kind);
    return null;
  }

  /** A process died, or heard nothing, while it was waking it. */
  async seeWhetherItWoke(lease: WakeLease): Promise<void> {
    const { sandboxId, timeoutMs, begunAtMs } = lease;
    const sandbox = await readNow(sandboxId);
    if (sandbox === null) return this.#book.end(lease, 'gone');
    if (sandbox.state === 'paused') {
      if (Date.now() - begunAtMs > WAKES_WITHIN_MS) await this.#book.end(lease, 'unwoken');
    } else if (isOurRun(sandbox, timeoutMs))
      await this.#awoken(lease, { sandbox, isGuarded: true }, 'Found awake after its wake was not answered');
    else await this.#book.end(lease, 'taken');
  }
}

const MAY_BE_OLDER =
  'The service reported a failure with the pause, so it may be as it was before the review.';

/** How the review has ended, by what a reading found; `null`: it has not. */
function endSeenIn(lease: WakeLease, sandbox: Sandbox | null): WakeEnd | null {
  if (sandbox === null) return 'gone';
  if (sandbox.state === 'paused') return Date.now() >= lease.endsAtMs - TIME_SLACK_MS ? 'time' : 'elsewhere';
  return isSameRun(sandbox, lease.runStartedAtMs) ? null : 'taken';
}

/** Whether a row of the list says nothing new. */
export function isAsKnown({ isGuarded, endsAtMs, runStartedAtMs }: WakeLease, row: Sandbox): boolean {
  const isDeadlineKnown = isGuarded
    ? Math.abs(row.endAtMs - endsAtMs) <= DEADLINE_SLACK_MS
    : row.endAtMs >= endsAtMs + MARGIN_MS - TIME_SLACK_MS;
  return row.state === 'running' && isSameRun(row, runStartedAtMs) && isDeadlineKnown;
}

/** Moves the deadline. Answers the refusal, or `null`; that it does not run any more, the next reading tells. */
async function setDeadline(sandboxId: string, atMs: number): Promise<SandkeeperError | null> {
  try {
    await setSandboxTimeout(sandboxId, Math.max(0, atMs - Date.now()));
    return null;
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    if (error.code === 'not_found') return null;
    const message = 'The sandbox service allows no more time for this run.';
    return error.code === 'invalid' ? new SandkeeperError('invalid', message, { cause: error }) : error;
  }
}

/** There is nothing left to do about it. */
export function isOver(): SandkeeperError {
  return new SandkeeperError('conflict', 'This review is over.');
}

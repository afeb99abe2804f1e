import 'server-only';
import type { Who } from '../access/sessions';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import { apiOf } from '../sandbox-api/configured';
import type { SandboxKey } from '../sandbox-key';
import { operationOf, type WakeBook } from './book';
import type { WakeEnd, WakeResult } from './schema';
import {
  deadlineOf,
  isOurLifetime,
  isPausedAtTimeout,
  isSameLifetime,
  isUncertain,
  lifetimeMark,
  pauseOurs,
  readNow,
  wakePaused,
} from './steps';
import { findLease, type WakeLease } from './store';

type Options = { owner: string; claimMs: number; retryMs: number };

/** An unanswered resume that has had no effect by then will have none. */
const MAX_RESUME_MS = 30_000;
/** How long before an unguarded deadline the wake ends. */
const MARGIN_MS = 60_000;
const DEADLINE_SLACK_MS = 500;
/** A pause found this close to the deadline counts as its timeout. */
const TIME_SLACK_MS = 2_000;
const MAX_RETRY_MS = 15_000;

/** Moves a wake from state to state. Each step is sent, verified by reading, and recorded. Steps of a wake never overlap. */
export class WakeCourse {
  readonly #book: WakeBook;
  readonly #options: Options;
  /** Failed pauses to retry, by lease id. */
  readonly #retries = new Map<string, { failures: number; dueAtMs: number; isDoubtful: boolean }>();

  constructor(book: WakeBook, options: Options) {
    this.#book = book;
    this.#options = options;
  }

  isPauseDue({ id }: WakeLease): boolean {
    return (this.#retries.get(id)?.dueAtMs ?? 0) <= Date.now();
  }

  /** Wakes the sandbox. A failure drops the lease, unless the sandbox may be awake regardless. */
  async wake(lease: WakeLease, detail: string): Promise<WakeResult> {
    try {
      const woken = await wakePaused(lease.sandboxKey, lease.timeoutMs);
      if (woken.kind === 'awake') {
        await this.#markAwake(lease, woken, detail);
        return 'woken';
      }
      await this.#book.drop(lease);
      return 'running';
    } catch (thrown) {
      const { message } = SandkeeperError.from(thrown);
      // The sandbox may be awake: later readings decide.
      if (isUncertain(thrown)) await this.#book.change(lease, ['waking'], { problem: message });
      else await this.#book.drop(lease);
      throw thrown;
    }
  }

  async #markAwake(
    lease: WakeLease,
    { sandbox, isGuarded }: { sandbox: Sandbox; isGuarded: boolean },
    detail: string,
  ): Promise<void> {
    const awake = await this.#book.change(lease, ['waking'], {
      state: 'awake',
      isGuarded,
      runStartedAtMs: lifetimeMark(sandbox),
      endsAtMs: (isGuarded ? deadlineOf(sandbox) : null) ?? Date.now() + lease.timeoutMs,
      problem: null,
    });
    if (awake === null) return;
    const policy = isGuarded ? 'its timeout now pauses it' : 'another client resumed it at the same time';
    await this.#book.note(
      lease,
      'review-woken',
      lease.sandboxKey,
      `${detail}; ${policy}`,
      operationOf(lease),
    );
    if (!isGuarded) await this.postponeDeadline(awake, sandbox);
  }

  /** The active wake of this sandbox after a fresh reading, or `null`. */
  async current(sandboxKey: SandboxKey): Promise<WakeLease | null> {
    const lease = await findLease(sandboxKey);
    if (lease === null || lease.state === 'ended') return null;
    return lease.state === 'awake' ? this.judge(lease, await readNow(sandboxKey)) : lease;
  }

  /** Applies a reading to a wake. Returns `null` if the wake is over. */
  async judge(lease: WakeLease, sandbox: Sandbox | null): Promise<WakeLease | null> {
    const how = endSeenIn(lease, sandbox);
    if (how !== null || sandbox === null) {
      await this.#book.end(lease, how ?? 'gone');
      return null;
    }
    const endAtMs = deadlineOf(sandbox);
    if (!lease.isGuarded || endAtMs === null || Math.abs(endAtMs - lease.endsAtMs) <= DEADLINE_SLACK_MS)
      return lease;
    // Another client moved the deadline. The timeout policy is unchanged.
    return (await this.#book.change(lease, ['awake'], { endsAtMs: endAtMs })) ?? lease;
  }

  /** Moves the end of the wake to `wantedMs` or as late as the service allows. Returns the new end, epoch ms. */
  async moveEnd(lease: WakeLease, wantedMs: number): Promise<number> {
    const marginMs = lease.isGuarded ? 0 : MARGIN_MS;
    const refusal = await setDeadline(lease.sandboxKey, wantedMs + marginMs);
    const sandbox = await readNow(lease.sandboxKey);
    if (sandbox === null || (await this.judge(lease, sandbox)) === null) throw wakeIsOver();
    if (refusal !== null) throw refusal;
    const deadlineMs = deadlineOf(sandbox) ?? wantedMs + marginMs;
    const endsAtMs = lease.isGuarded ? deadlineMs : Math.min(wantedMs, deadlineMs - marginMs);
    await this.#book.change(lease, ['awake'], { endsAtMs });
    return endsAtMs;
  }

  /** Keeps an unguarded deadline a margin after the end of the wake, or else moves the end before it. */
  async postponeDeadline(lease: WakeLease, sandbox: Sandbox): Promise<void> {
    if ((deadlineOf(sandbox) ?? Number.NEGATIVE_INFINITY) >= lease.endsAtMs + MARGIN_MS - TIME_SLACK_MS)
      return;
    await setDeadline(lease.sandboxKey, lease.endsAtMs + MARGIN_MS);
    const after = await readNow(lease.sandboxKey);
    const afterMs = after === null ? null : deadlineOf(after);
    if (after === null || afterMs === null || (await this.judge(lease, after)) === null) return;
    const latestMs = afterMs - MARGIN_MS;
    if (latestMs < lease.endsAtMs - TIME_SLACK_MS)
      await this.#book.change(lease, ['awake'], { endsAtMs: latestMs });
  }

  /** Tries once to pause the sandbox. Returns the problem, or `null` when the wake is over. */
  async pause(lease: WakeLease, how: WakeEnd, person: Who | null): Promise<string | null> {
    const { owner, claimMs, retryMs } = this.#options;
    const nowMs = Date.now();
    const by = { by: person?.actor ?? null, byId: person?.userId ?? null };
    const pausing = await this.#book.change(lease, ['awake', 'pausing'], {
      state: 'pausing',
      ...(lease.state === 'pausing' ? {} : { ending: { how, ...by, atMs: nowMs, note: null } }),
      claimedBy: owner,
      leaseMs: claimMs,
    });
    if (pausing === null) return null;
    const retry = this.#retries.get(lease.id);
    const verdict = await pauseOurs(pausing, retry?.isDoubtful ?? pausing.problem !== null);
    if (verdict.kind === 'not-yet') {
      const { message, isDoubtful, retryAfterMs = 0 } = verdict;
      const failures = (retry?.failures ?? 0) + 1;
      // The sandbox costs money while it is awake, so a long wait is tried earlier.
      const waitMs = Math.min(Math.max(retryMs * 2 ** (failures - 1), retryAfterMs), MAX_RETRY_MS);
      this.#retries.set(lease.id, { failures, dueAtMs: Date.now() + waitMs, isDoubtful });
      await this.#book.change(pausing, ['pausing'], { problem: message });
      return message;
    }
    this.#retries.delete(lease.id);
    const { how: meant, ...ending } = pausing.ending ?? { how, ...by };
    const note = verdict.kind === 'paused' && verdict.isDoubtful ? MAY_BE_OLDER : null;
    if (verdict.kind === 'paused') await this.#book.end(pausing, meant, { ...ending, note });
    else await this.#book.end(pausing, verdict.kind);
    return null;
  }

  /** Resolves a wake whose resume was never answered. */
  async settleWaking(lease: WakeLease): Promise<void> {
    const { sandboxKey, timeoutMs, begunAtMs } = lease;
    const sandbox = await readNow(sandboxKey);
    if (sandbox === null) return this.#book.end(lease, 'gone');
    if (sandbox.state === 'paused') {
      if (Date.now() - begunAtMs > MAX_RESUME_MS) await this.#book.end(lease, 'unwoken');
    } else if (isOurLifetime(sandbox, timeoutMs))
      await this.#markAwake(
        lease,
        { sandbox, isGuarded: isPausedAtTimeout(sandbox, timeoutMs) },
        'Found awake after the service did not answer',
      );
    else await this.#book.end(lease, 'taken');
  }
}

const MAY_BE_OLDER =
  'The service reported a failure with the pause, so the sandbox may be in its state from before the wake.';

/** How the wake ended according to a reading, or `null` if it has not. */
function endSeenIn(lease: WakeLease, sandbox: Sandbox | null): WakeEnd | null {
  if (sandbox === null) return 'gone';
  if (sandbox.state === 'paused') return Date.now() >= lease.endsAtMs - TIME_SLACK_MS ? 'time' : 'elsewhere';
  return isSameLifetime(sandbox, lease.runStartedAtMs) ? null : 'taken';
}

/** Whether a row of the fleet agrees with the lease. */
export function matchesLease({ isGuarded, endsAtMs, runStartedAtMs }: WakeLease, row: Sandbox): boolean {
  const deadlineMs = deadlineOf(row) ?? endsAtMs + (isGuarded ? 0 : MARGIN_MS);
  const isDeadlineKnown = isGuarded
    ? Math.abs(deadlineMs - endsAtMs) <= DEADLINE_SLACK_MS
    : deadlineMs >= endsAtMs + MARGIN_MS - TIME_SLACK_MS;
  return row.state === 'running' && isSameLifetime(row, runStartedAtMs) && isDeadlineKnown;
}

/** Returns the refusal, or `null`. If the sandbox no longer runs, the next reading shows it. */
async function setDeadline(sandboxKey: SandboxKey, atMs: number): Promise<SandkeeperError | null> {
  try {
    await apiOf(sandboxKey).setSandboxTimeout(sandboxKey, Math.max(0, atMs - Date.now()));
    return null;
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    if (error.code === 'not_found') return null;
    const message = 'The sandbox has reached its maximum lifetime.';
    return error.code === 'invalid' ? new SandkeeperError('invalid', message, { cause: error }) : error;
  }
}

export function wakeIsOver(): SandkeeperError {
  return new SandkeeperError('conflict', 'This wake is over.');
}

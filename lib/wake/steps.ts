import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import { fleetWatcher } from '../fleet/watcher';
import type { Sandbox } from '../sandbox/schema';
import { getSandbox, pauseSandbox, resumeSandbox } from '../sandbox-api/control';
import type { WakeLease } from './store';

/** What waking a sandbox came to. */
export type Woken =
  | { kind: 'awake'; sandbox: Sandbox; isGuarded: boolean }
  /** Somebody else runs it. */
  | { kind: 'running' };

/**
 * What one attempt to pause it came to. `isDoubtful`: the service reported a failure on the way, after which nobody has
 * seen that run again; a failed pause can leave a sandbox as it was before (docs/protocol.md#failed-pauses).
 */
export type PauseVerdict =
  | { kind: 'paused'; isDoubtful: boolean }
  | { kind: 'gone' }
  /** Another run than ours: nothing was sent. */
  | { kind: 'taken' }
  | { kind: 'not-yet'; isDoubtful: boolean; message: string };

/** The call may have taken effect although it failed so: only a reading can tell. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set(['timeout', 'unavailable', 'unexpected']);
const MAX_TRIES = 3;
const MAX_READS = 6;
const WAIT_MS = 500;
/** How near a deadline must be to what we asked for to be ours. */
const OURS_MS = 2_000;
const MIN_LESS_S = 4;
const MAX_LESS_S = 25;

/**
 * For how long to ask where somebody wants `ms`: some odd seconds less. Whose deadline a sandbox got tells whose request
 * woke it, so ours must be one that nobody else asks for.
 */
export function unlikeOthers(ms: number): number {
  const lessS = MIN_LESS_S + Math.floor(Math.random() * (MAX_LESS_S - MIN_LESS_S + 1));
  return ms - lessS * 1_000;
}

/** Whether a failure leaves open what has happened. */
export function isUncertain(thrown: unknown): boolean {
  return UNCERTAIN.has(SandkeeperError.from(thrown).code);
}

/** How the sandbox is now, by a reading of its own; `null`: gone. Whoever looks at the fleet shares the news. */
export async function readNow(sandboxId: string): Promise<Sandbox | null> {
  const askedAtMs = Date.now();
  try {
    const sandbox = await getSandbox(sandboxId);
    // The list names the template of a paused one better, so it is to come from there first
    // (docs/protocol.md#paused-sandboxes-in-responses).
    if (fleetWatcher().find(sandboxId) !== undefined) fleetWatcher().settle(sandbox, askedAtMs);
    return sandbox;
  } catch (thrown) {
    if (!(thrown instanceof SandkeeperError) || thrown.code !== 'not_found') throw thrown;
    fleetWatcher().settleGone(sandboxId);
    return null;
  }
}

/** Whether it is the run that began at `startedAtMs` that the reading found. */
export function isSameRun(sandbox: Sandbox, startedAtMs: number): boolean {
  return sandbox.startedAtMs === startedAtMs;
}

/**
 * Whether the run got the time-out that we asked for, and so our policy of what happens then: of two requests in the same
 * moment the service follows the first and answers both alike (docs/protocol.md#join-race).
 */
export function isOurRun(
  { startedAtMs, endAtMs }: Sandbox,
  timeoutMs: number,
  answeredAtMs?: number,
): boolean {
  // By the service's own clock and, where it may have begun to count later, by ours.
  const begunAtMs = answeredAtMs === undefined ? [startedAtMs] : [startedAtMs, answeredAtMs];
  return begunAtMs.some((ms) => Math.abs(endAtMs - ms - timeoutMs) <= OURS_MS);
}

/**
 * Wakes a paused sandbox so that its time-out pauses it again, whatever it was created to do: `resume`, because `connect`
 * cannot say that (docs/protocol.md#resume-instead-of-connect). One that runs is left alone.
 * @throws SandkeeperError `not_found`, `quota`, `invalid`, and others as the service refuses; see `isUncertain`
 */
export async function wakePaused(sandboxId: string, timeoutMs: number): Promise<Woken> {
  for (let tries = 1; ; tries += 1) {
    const before = await readOrThrow(sandboxId);
    // What a try of ours has done although its answer was lost.
    if (before.state === 'running' && tries > 1 && isOurRun(before, timeoutMs))
      return { kind: 'awake', sandbox: before, isGuarded: true };
    if (before.state === 'running') return { kind: 'running' };
    if (before.state !== 'paused')
      throw new SandkeeperError('conflict', 'Its state is not one this version knows.');
    try {
      await resumeSandbox(sandboxId, { timeoutMs, autoPause: true });
    } catch (thrown) {
      const error = inOurWords(thrown);
      if (error.code === 'conflict') return { kind: 'running' };
      if (!isUncertain(error) || tries === MAX_TRIES) throw error;
      await wait(WAIT_MS * tries);
      continue;
    }
    const answeredAtMs = Date.now();
    const sandbox = await readRunning(sandboxId);
    return { kind: 'awake', sandbox, isGuarded: isOurRun(sandbox, timeoutMs, answeredAtMs) };
  }
}

/**
 * Pauses the run that is ours, and only that. Reads before and after: an answer alone proves nothing. `wasDoubtful` is what
 * the last attempt left behind. Never throws.
 */
export async function pauseOurs(
  { sandboxId, runStartedAtMs }: WakeLease,
  wasDoubtful: boolean,
): Promise<PauseVerdict> {
  let isDoubtful = wasDoubtful;
  try {
    const before = await readNow(sandboxId);
    if (before === null) return { kind: 'gone' };
    if (before.state === 'paused') return { kind: 'paused', isDoubtful };
    if (!isSameRun(before, runStartedAtMs)) return { kind: 'taken' };
    isDoubtful = false;
    const trouble = await sendPause(sandboxId);
    isDoubtful = trouble !== null;
    const after = await readNow(sandboxId);
    if (after === null) return { kind: 'gone' };
    if (after.state === 'paused') return { kind: 'paused', isDoubtful };
    if (!isSameRun(after, runStartedAtMs)) return { kind: 'taken' };
    return { kind: 'not-yet', isDoubtful: false, message: trouble ?? STILL_RUNS };
  } catch (thrown) {
    return { kind: 'not-yet', isDoubtful, message: SandkeeperError.from(thrown).message };
  }
}

const STILL_RUNS = 'The service accepted the pause, but the sandbox still runs.';

/** Answers what went wrong, or `null`. That it was paused already, or is gone, the next reading tells. */
async function sendPause(sandboxId: string): Promise<string | null> {
  try {
    await pauseSandbox(sandboxId);
    return null;
  } catch (thrown) {
    const { code, message } = SandkeeperError.from(thrown);
    return code === 'conflict' || code === 'not_found' ? null : message;
  }
}

async function readOrThrow(sandboxId: string): Promise<Sandbox> {
  const sandbox = await readNow(sandboxId);
  if (sandbox !== null) return sandbox;
  throw new SandkeeperError('not_found', 'There is no such sandbox. It may have been terminated.');
}

/** The sandbox that the service says it has woken. */
async function readRunning(sandboxId: string): Promise<Sandbox> {
  for (let reads = 1; ; reads += 1) {
    try {
      const sandbox = await readOrThrow(sandboxId);
      if (sandbox.state === 'running') return sandbox;
      if (reads === MAX_READS)
        throw new SandkeeperError('conflict', 'It was woken, and paused by somebody else at once.');
    } catch (thrown) {
      if (!isUncertain(thrown) || reads === MAX_READS) throw thrown;
    }
    await wait(WAIT_MS);
  }
}

function inOurWords(thrown: unknown): SandkeeperError {
  const error = SandkeeperError.from(thrown);
  if (error.code !== 'invalid') return error;
  const message = 'The sandbox service does not allow as long as that. Choose a shorter time.';
  return new SandkeeperError('invalid', message, { cause: error.cause });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import { watcherOf } from '../fleet/watchers';
import type { Sandbox } from '../sandbox/schema';
import { apiOf } from '../sandbox-api/configured';
import { comesBack } from '../sandbox-api/errors';
import type { SandboxKey } from '../sandbox-key';
import type { WakeLease } from './store';

export type Woken =
  | { kind: 'awake'; sandbox: Sandbox; isGuarded: boolean }
  /** It runs for somebody else. */
  | { kind: 'running' };

/**
 * The result of one attempt to pause. `isDoubtful`: the service reported a failure and the lifetime was not seen since. A
 * failed pause can leave a sandbox in an older state (docs/protocol.md#failed-pauses).
 */
export type PauseVerdict =
  | { kind: 'paused'; isDoubtful: boolean }
  | { kind: 'gone' }
  /** Another lifetime than ours. Nothing was sent. */
  | { kind: 'taken' }
  | { kind: 'not-yet'; isDoubtful: boolean; message: string; retryAfterMs?: number | undefined };

/** A call with such a failure may have taken effect. Only a reading can tell. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set(['timeout', 'unavailable', 'unexpected']);
const MAX_TRIES = 3;
const MAX_READS = 6;
const WAIT_MS = 500;
/** Somebody waits for the wake, so a longer wait that the service asks for is cut to this. */
const MAX_ASKED_MS = 10_000;
/** Tolerance for recognizing our own timeout. */
const OURS_MS = 2_000;
const MIN_LESS_S = 4;
const MAX_LESS_S = 25;

/**
 * Shortens `ms` by a few random seconds. The deadline of a sandbox shows whose request resumed it, so ours must be a
 * length that no other client requests.
 */
export function uniqueTimeout(ms: number): number {
  const lessS = MIN_LESS_S + Math.floor(Math.random() * (MAX_LESS_S - MIN_LESS_S + 1));
  return ms - lessS * 1_000;
}

/** Whether the call may have taken effect despite this failure. */
export function isUncertain(thrown: unknown): boolean {
  return UNCERTAIN.has(SandkeeperError.from(thrown).code);
}

/** Reads the sandbox and passes the result to the fleet. `null`: gone. */
export async function readNow(sandboxKey: SandboxKey): Promise<Sandbox | null> {
  const requestedAtMs = Date.now();
  try {
    const sandbox = await apiOf(sandboxKey).getSandbox(sandboxKey);
    // The list names the template of a paused sandbox better, so the first row comes from the list
    // (docs/protocol.md#paused-sandboxes-in-responses).
    const watcher = watcherOf(sandboxKey);
    if (watcher.find(sandboxKey) !== undefined) watcher.recordReading(sandbox, requestedAtMs);
    return sandbox;
  } catch (thrown) {
    if (!(thrown instanceof SandkeeperError) || thrown.code !== 'not_found') throw thrown;
    watcherOf(sandboxKey).recordGone(sandboxKey);
    return null;
  }
}

/** The deadline on our clock; `null` if it is not known. */
export function deadlineOf({ key, endAtMs }: Sandbox): number | null {
  return endAtMs === null ? null : endAtMs - apiOf(key).clock.aheadMs;
}

/** Tells a lifetime from the next: its start, or 0 if the service does not report starts. */
export function lifetimeMark({ startedAtMs }: Sandbox): number {
  return startedAtMs ?? 0;
}

export function isSameLifetime(sandbox: Sandbox, mark: number): boolean {
  return lifetimeMark(sandbox) === mark;
}

/**
 * Whether the timeout of this lifetime pauses the sandbox. Some services say so; others only show whose request resumed it.
 */
export function isPausedAtTimeout(sandbox: Sandbox, timeoutMs: number, answeredAtMs?: number): boolean {
  if (sandbox.lifecycle !== undefined) return sandbox.lifecycle.onTimeout === 'pause';
  return isOurLifetime(sandbox, timeoutMs, answeredAtMs);
}

/**
 * Whether this lifetime has the timeout that we requested, and therefore our policy. Of two simultaneous requests the
 * service follows the first and gives both the same answer (docs/protocol.md#join-race).
 */
export function isOurLifetime(
  { key, startedAtMs, endAtMs }: Sandbox,
  timeoutMs: number,
  answeredAtMs?: number,
): boolean {
  if (endAtMs === null) return false;
  // On the service's clock and, because it may have started counting later, on ours.
  const { aheadMs } = apiOf(key).clock;
  const begunAtMs = answeredAtMs === undefined ? [startedAtMs] : [startedAtMs, answeredAtMs + aheadMs];
  return begunAtMs.some((ms) => ms !== null && Math.abs(endAtMs - ms - timeoutMs) <= OURS_MS);
}

/**
 * Wakes a paused sandbox with a timeout that pauses it. Uses `resume`, because `connect` cannot set that policy
 * (docs/protocol.md#resume-instead-of-connect). A running sandbox is left alone.
 * @throws SandkeeperError `not_found`, `quota`, `invalid` and others from the service; see `isUncertain`
 */
export async function wakePaused(sandboxKey: SandboxKey, timeoutMs: number): Promise<Woken> {
  for (let tries = 1; ; tries += 1) {
    const before = await readOrThrow(sandboxKey);
    // An earlier try succeeded, but its answer was lost.
    if (before.state === 'running' && tries > 1 && isOurLifetime(before, timeoutMs))
      return { kind: 'awake', sandbox: before, isGuarded: isPausedAtTimeout(before, timeoutMs) };
    if (before.state === 'running') return { kind: 'running' };
    if (before.state !== 'paused')
      throw new SandkeeperError('conflict', 'The sandbox is in a state that this version does not know.');
    try {
      await apiOf(sandboxKey).resumeSandbox(sandboxKey, { timeoutMs, autoPause: true });
    } catch (thrown) {
      const error = explainRefusal(thrown);
      if (error.code === 'conflict' && !comesBack(error)) return { kind: 'running' };
      if (!(isUncertain(error) || comesBack(error)) || tries === MAX_TRIES) throw error;
      await wait(Math.max(WAIT_MS * tries, Math.min(error.retryAfterMs ?? 0, MAX_ASKED_MS)));
      continue;
    }
    const answeredAtMs = Date.now();
    const sandbox = await readRunning(sandboxKey);
    return { kind: 'awake', sandbox, isGuarded: isPausedAtTimeout(sandbox, timeoutMs, answeredAtMs) };
  }
}

/** Pauses our own lifetime only. Reads before and after, because an answer proves nothing. Never throws. */
export async function pauseOurs(
  { sandboxKey, runStartedAtMs }: WakeLease,
  wasDoubtful: boolean,
): Promise<PauseVerdict> {
  let isDoubtful = wasDoubtful;
  try {
    const before = await readNow(sandboxKey);
    if (before === null) return { kind: 'gone' };
    if (before.state === 'paused') return { kind: 'paused', isDoubtful };
    if (!isSameLifetime(before, runStartedAtMs)) return { kind: 'taken' };
    isDoubtful = false;
    const problem = await sendPause(sandboxKey);
    // A refusal that says when to come back was not carried out.
    isDoubtful = problem !== null && !comesBack(problem);
    const after = await readNow(sandboxKey);
    if (after === null) return { kind: 'gone' };
    if (after.state === 'paused') return { kind: 'paused', isDoubtful };
    if (!isSameLifetime(after, runStartedAtMs)) return { kind: 'taken' };
    const message = problem?.fullMessage ?? STILL_RUNS;
    return { kind: 'not-yet', isDoubtful: false, message, retryAfterMs: problem?.retryAfterMs };
  } catch (thrown) {
    return { kind: 'not-yet', isDoubtful, message: SandkeeperError.from(thrown).message };
  }
}

const STILL_RUNS = 'The service accepted the pause, but the sandbox is still running.';

/** Returns the problem, or `null`. If it was paused already or is gone, the next reading shows it. */
async function sendPause(sandboxKey: SandboxKey): Promise<SandkeeperError | null> {
  try {
    await apiOf(sandboxKey).pauseSandbox(sandboxKey);
    return null;
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    const isOver = error.code === 'not_found' || (error.code === 'conflict' && !comesBack(error));
    return isOver ? null : error;
  }
}

async function readOrThrow(sandboxKey: SandboxKey): Promise<Sandbox> {
  const sandbox = await readNow(sandboxKey);
  if (sandbox !== null) return sandbox;
  throw new SandkeeperError('not_found', 'There is no such sandbox. It may have been terminated.');
}

/** Waits for a reading that shows the sandbox running. */
async function readRunning(sandboxKey: SandboxKey): Promise<Sandbox> {
  for (let reads = 1; ; reads += 1) {
    try {
      const sandbox = await readOrThrow(sandboxKey);
      if (sandbox.state === 'running') return sandbox;
      if (reads === MAX_READS)
        throw new SandkeeperError('conflict', 'The sandbox woke, but somebody else paused it at once.');
    } catch (thrown) {
      if (!isUncertain(thrown) || reads === MAX_READS) throw thrown;
    }
    await wait(WAIT_MS);
  }
}

function explainRefusal(thrown: unknown): SandkeeperError {
  const error = SandkeeperError.from(thrown);
  if (error.code !== 'invalid') return error;
  const message = 'The sandbox service does not allow that long. Choose a shorter time.';
  return new SandkeeperError('invalid', message, { cause: error.cause });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import 'server-only';
import { type ErrorCode, SandkeeperError } from '../../errors';
import { type StateAct, sandboxCannot } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import { serviceNowMs } from '../../sandbox-api/configured';
import { comesBack } from '../../sandbox-api/errors';
import { connectionOf, type SandboxKey } from '../../sandbox-key';
import { archiveThenKill, judgeGone } from '../archive/archive-step';
import type { Archiver } from '../archive/archiver';
import type { ActParams } from '../schema';
import { connectionEnd, disconnected, StepDisconnected } from '../step/connection-end';
import { MAX_REFUSALS, readPatiently, waitBackoff } from '../step/read-patiently';
import { type StepResult, StepStopped } from '../step/step-result';
import { ACTS, type Act, type Attempt, gone } from './acts';
import type { GracefulEnd } from './graceful';

export type StepContext = {
  act: StateAct;
  params: ActParams;
  /** The sandbox as it was shown. */
  shown: Sandbox;
  /** Readings requested before this time are ignored, epoch ms. */
  sinceMs: number;
  /** An earlier process may have sent this request. */
  mayHaveBeenSent: boolean;
  /** Reads the sandbox after `sinceMs`; `null`: gone. */
  read: (key: SandboxKey, sinceMs: number) => Promise<Sandbox | null>;
  latest: (key: SandboxKey) => Sandbox | undefined;
  /** Describes a relevant change since the sandbox was shown, or returns `null`. */
  driftOf: (shown: Sandbox, now: Sandbox) => string | null;
  /** Waits for a slot and sends. Throws `StepStopped` if the operation was cancelled first. */
  send: <T>(call: () => Promise<T>) => Promise<T>;
  /** Waits after a refusal that says when to come back. Throws `StepStopped` if the operation was cancelled. */
  waitAsAsked: (refusal: SandkeeperError, refusals: number) => Promise<void>;
  askToEnd: (key: SandboxKey, graceMs: number) => Promise<GracefulEnd>;
  /** Archives files before a kill; `null` if not requested. */
  archiver: Archiver | null;
};

/** Thrown instead of sending if a newer reading shows a relevant change. */
class StepDrifted extends Error {
  override readonly name = 'StepDrifted';
  constructor(
    readonly drift: string,
    readonly now: Sandbox,
  ) {
    super(drift);
  }
}

/** After these errors the action may have happened anyway: a reading decides. */
const JUDGED: ReadonlySet<ErrorCode> = new Set([
  'timeout',
  'unavailable',
  'unexpected',
  'conflict',
  'not_found',
]);
/** Sending the same request again would fail the same way. */
const SETTLED: ReadonlySet<ErrorCode> = new Set(['conflict', 'not_found']);
/** The errors of a connection that is no longer in use, among others. */
const WITHOUT_CONNECTION: ReadonlySet<ErrorCode> = new Set(['not_found', 'unavailable']);
/** How often an accepted action is verified before it is sent again. */
const READS_PER_TRY = 4;

/**
 * Performs one action on one sandbox, unless it has changed since it was shown, and verifies the outcome with a reading:
 * a response alone proves nothing (docs/protocol.md#failed-pauses). Sends again only if a reading shows that the action
 * has not happened. Never throws.
 */
export async function runStep(context: StepContext): Promise<StepResult> {
  try {
    return (await checkBefore(context)) ?? (await stopThenSend(context));
  } catch (thrown) {
    if (thrown instanceof StepDisconnected) return disconnected(thrown, context.mayHaveBeenSent);
    if (thrown instanceof StepStopped)
      return { outcome: 'cancelled', message: context.archiver?.stoppedMessage ?? null };
    if (thrown instanceof StepDrifted) return skipped(thrown.drift, thrown.now);
    const error = SandkeeperError.from(thrown);
    const end = WITHOUT_CONNECTION.has(error.code) ? connectionEnd(connectionOf(context.shown.key)) : null;
    if (end !== null) return disconnected(end, context.mayHaveBeenSent);
    if (error.code === 'unexpected') console.error(`${context.act} of ${context.shown.id}:`, error.cause);
    return { outcome: isDenial(error) ? 'denied' : 'failed', message: error.fullMessage };
  }
}

/** Returns a result if nothing must be sent: the sandbox is gone, already in this state, or has changed. */
async function checkBefore(context: StepContext): Promise<StepResult | null> {
  const { act, shown, mayHaveBeenSent, archiver } = context;
  const now = await readPatiently(context, context.sinceMs);
  const wasAlready = !mayHaveBeenSent;
  if (now === null) {
    if (act !== 'kill') return gone();
    const result = ACTS.kill.judge(now, context, { refusal: null, wasAlready, sentAtMs: context.sinceMs });
    return result !== null && archiver !== null ? judgeGone(archiver, result) : result;
  }
  if (mayHaveBeenSent) {
    const result = ACTS[act].judge(now, context, {
      refusal: null,
      wasAlready: false,
      sentAtMs: context.sinceMs,
    });
    if (result !== null && act !== 'setTimeout') return result;
  }
  const drift = context.driftOf(shown, now);
  // An earlier process or attempt may have woken it, or paused it again, to archive its files.
  if (drift === null || (await archiver?.isOurWake(now))) return null;
  return skipped(drift, now);
}

async function stopThenSend(context: StepContext): Promise<StepResult> {
  const { act, params, shown } = context;
  if (act !== 'kill' || !params.graceMs || shown.state !== 'running') return archiveThenSend(context);
  const end = await askToEnd(context, params.graceMs);
  const result = await archiveThenSend(context);
  return result.outcome === 'done' ? { ...result, message: result.message ?? describeEnd(end) } : result;
}

/** Waiting and archiving take long, so the sandbox is checked again before archiving and before the kill. */
async function archiveThenSend(context: StepContext): Promise<StepResult> {
  const { archiver, shown } = context;
  if (archiver === null) return sendUntilTrue(context);
  const read = () => readPatiently(context, Date.now());
  const check = () => checkBefore({ ...context, sinceMs: Date.now() });
  const kill = async (now: Sandbox) => {
    // Compares with the awake sandbox, but still with the metadata that was shown.
    const awake = { ...now, metadata: shown.metadata };
    const killContext = { ...context, shown: awake, sinceMs: Date.now(), archiver: null };
    return (await checkBefore(killContext)) ?? (await sendUntilTrue(killContext));
  };
  return archiveThenKill({ shown, archiver, read, check, kill });
}

/** If SIGTERM cannot be sent, the sandbox is not killed. */
async function askToEnd({ shown, askToEnd: ask }: StepContext, graceMs: number): Promise<GracefulEnd> {
  try {
    return await ask(shown.key, graceMs);
  } catch (thrown) {
    if (thrown instanceof StepStopped) throw thrown;
    const error = SandkeeperError.from(thrown);
    // The sandbox is gone. The kill will detect it.
    if (error.code === 'not_found') return { kind: 'ended', tookMs: 0 };
    throw new SandkeeperError(
      error.code,
      `Its processes could not be asked to end, so it was not killed. ${error.message}`,
      { cause: error.cause },
    );
  }
}

function describeEnd(end: GracefulEnd): string | null {
  if (end.kind === 'ended')
    return end.tookMs === 0 ? null : `Its processes ended within ${seconds(end.tookMs)}.`;
  return end.left === 1
    ? '1 process outlasted the wait and was killed.'
    : `${end.left} processes outlasted the wait and were killed.`;
}

async function sendUntilTrue(context: StepContext): Promise<StepResult> {
  const { act, shown, params } = context;
  const { send, maxTries, judge }: Act = ACTS[act];
  let last: Attempt = { refusal: null, wasAlready: false, sentAtMs: serviceNowMs(context.shown.key) };
  let refusals = 0;
  for (let tries = 1; tries <= maxTries; ) {
    let [sentAtMs, serviceSentAtMs] = [Date.now(), serviceNowMs(context.shown.key)];
    try {
      const isFirst = tries === 1;
      const { wasAlready } = await context.send(async () => {
        // The sandbox may have changed while this waited for a slot.
        if (isFirst) await requireUndrifted(context);
        [sentAtMs, serviceSentAtMs] = [Date.now(), serviceNowMs(context.shown.key)];
        return send(shown, params);
      });
      // The effect of an earlier attempt of ours does not count as "already".
      const isAlready = wasAlready && tries === 1 && !context.mayHaveBeenSent;
      last = { refusal: null, wasAlready: isAlready, sentAtMs: serviceSentAtMs };
    } catch (thrown) {
      if (thrown instanceof StepStopped && tries > 1) return stoppedBetween(context);
      if (thrown instanceof StepStopped || thrown instanceof StepDrifted) throw thrown;
      const refusal = SandkeeperError.from(thrown);
      if (refusal.code === 'rate_limited' && refusals < MAX_REFUSALS) {
        // The rate limiter delays the next attempt as long as the service asked.
        refusals += 1;
        continue;
      }
      if (comesBack(refusal) && refusals < MAX_REFUSALS) {
        refusals += 1;
        const verdict = await comeBack(
          context,
          { refusal, wasAlready: false, sentAtMs: serviceSentAtMs },
          refusals,
        );
        if (verdict !== null) return verdict;
        continue;
      }
      if (!JUDGED.has(refusal.code)) throw refusal;
      last = { refusal, wasAlready: false, sentAtMs: serviceSentAtMs };
    }
    const verdict = await verify(context, sentAtMs, (now) => judge(now, context, last), last.refusal);
    if (verdict !== null) return verdict;
    if (act !== 'kill' && last.refusal === null) break;
    await waitBackoff(tries);
    tries += 1;
  }
  return notDone(context, last.refusal);
}

/** Waits as the service asked, then reads, because the action may have happened meanwhile. `null`: send again. */
async function comeBack(
  context: StepContext,
  attempt: Attempt & { refusal: SandkeeperError },
  refusals: number,
): Promise<StepResult | null> {
  const { act, shown, driftOf } = context;
  const { refusal } = attempt;
  try {
    await context.waitAsAsked(refusal, refusals);
  } catch (thrown) {
    if (!(thrown instanceof StepStopped)) throw thrown;
    return {
      ...(await stoppedBetween(context)),
      message: `Stopped while it was refused. ${refusal.fullMessage}`,
    };
  }
  const now = await readPatiently(context, Date.now());
  const verdict = ACTS[act].judge(now, context, attempt);
  if (verdict !== null || now === null) return verdict;
  const drift = driftOf(shown, now);
  return drift === null ? null : skipped(drift, now);
}

/** A row of the fleet may come from another source than the plan, so its difference is confirmed by a reading. */
async function requireUndrifted(context: StepContext): Promise<void> {
  const { latest, driftOf, shown } = context;
  const row = latest(shown.key);
  if (row === undefined || driftOf(shown, row) === null) return;
  const now = await readPatiently(context, Date.now());
  const drift = now === null ? null : driftOf(shown, now);
  if (now !== null && drift !== null) throw new StepDrifted(drift, now);
}

/** Reads until `judge` returns a result. `null`: it has not happened. Returns `unknown` if the sandbox cannot be read. */
async function verify(
  context: StepContext,
  sentAtMs: number,
  judge: (now: Sandbox | null) => StepResult | null,
  refusal: SandkeeperError | null,
): Promise<StepResult | null> {
  try {
    for (let read = 1; ; read += 1) {
      const now = await readPatiently(context, read === 1 ? Math.max(sentAtMs, Date.now()) : Date.now());
      const result = judge(now);
      if (result !== null) return result;
      if (now !== null && context.act === 'kill') {
        const drift = context.driftOf(context.shown, now);
        const wasRefused = refusal !== null && SETTLED.has(refusal.code);
        if (drift !== null) return wasRefused ? skipped(drift, now) : sentThenDrifted(drift, now);
      }
      if (refusal !== null && SETTLED.has(refusal.code)) {
        const message = now === null ? null : sandboxCannot(now.state, context.act);
        return { outcome: 'failed', message: message ?? refusal.fullMessage, sandbox: now };
      }
      if (refusal !== null || read >= READS_PER_TRY) return null;
      await waitBackoff(read - 1);
    }
  } catch (thrown) {
    const message = 'The request was sent, but its outcome could not be verified.';
    const why = thrown instanceof StepDisconnected ? ` ${thrown.message}` : '';
    return { outcome: 'unknown', message: `${message}${why}` };
  }
}

async function notDone(context: StepContext, refusal: SandkeeperError | null): Promise<StepResult> {
  const now = await readPatiently(context, Date.now()).catch(() => undefined);
  const accepted = {
    kill: 'The service accepted the kill several times, but the sandbox still exists.',
    pause: 'The service accepted the request, but the sandbox is not paused.',
    resume: 'The service accepted the request, but the sandbox is not running.',
    setTimeout: 'The service accepted the request, but did not set this deadline.',
  } satisfies Record<StateAct, string>;
  const message = refusal?.fullMessage ?? accepted[context.act];
  return { outcome: 'failed', message, ...(now === undefined ? {} : { sandbox: now }) };
}

/** The result if the operation was cancelled after a failed attempt. */
async function stoppedBetween(context: StepContext): Promise<StepResult> {
  const attempt = { refusal: null, wasAlready: false, sentAtMs: context.sinceMs };
  const verdict = await verify(
    context,
    Date.now(),
    (now) =>
      ACTS[context.act].judge(now, context, attempt) ?? {
        outcome: 'cancelled',
        message: 'Stopped after a failed attempt.',
        sandbox: now,
      },
    null,
  );
  return verdict ?? { outcome: 'cancelled', message: null };
}

function skipped(drift: string, now: Sandbox): StepResult {
  return { outcome: 'skipped', message: `Skipped: ${drift}.`, sandbox: now };
}

/** A kill that was sent may still take effect, so it is not reported as skipped. */
function sentThenDrifted(drift: string, now: Sandbox): StepResult {
  const message = `The kill was sent, but the sandbox was still there, and ${drift}. It was not sent again.`;
  return { outcome: 'unknown', message, sandbox: now };
}

function isDenial({ code }: SandkeeperError): boolean {
  return code === 'forbidden' || code === 'unauthenticated';
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

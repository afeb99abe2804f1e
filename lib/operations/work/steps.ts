import 'server-only';
import { type ErrorCode, SandkeeperError } from '../../errors';
import { type StateAct, sandboxCannot } from '../../sandbox/can';
import type { Sandbox, SandboxState } from '../../sandbox/schema';
import { killSandbox, pauseSandbox, resumeSandbox, setSandboxTimeout } from '../../sandbox-api/control';
import { archiveThenKill, judgeGone } from '../archive/archive-step';
import type { Archiver } from '../archive/archiver';
import type { ActParams } from '../schema';
import { MAX_REFUSALS, readPatiently, waitBackoff } from '../step/read-patiently';
import { type StepResult, StepStopped } from '../step/step-result';
import type { GracefulEnd } from './graceful';

/** What a step needs of the world around it. */
export type StepContext = {
  act: StateAct;
  params: ActParams;
  /** The sandbox as the person was shown it. */
  shown: Sandbox;
  /** Readings asked for before this say nothing, epoch ms. */
  sinceMs: number;
  /** An earlier process may have sent the very request that we are about to send. */
  mayHaveBeenSent: boolean;
  /** How the sandbox is, by a reading asked for after `sinceMs`; `null`: gone. */
  read: (id: string, sinceMs: number) => Promise<Sandbox | null>;
  /** The sandbox as anybody read it last, if it is known. */
  latest: (id: string) => Sandbox | undefined;
  /** Why a sandbox that reads so is not the one that was shown any more, or `null`. */
  driftOf: (shown: Sandbox, now: Sandbox) => string | null;
  /** Waits for a turn and sends. Throws `StepStopped` when the operation was cancelled before that. */
  send: <T>(call: () => Promise<T>) => Promise<T>;
  /** Asks the processes of a sandbox to end and waits for them. */
  askToEnd: (id: string, graceMs: number) => Promise<GracefulEnd>;
  /** Saves its files before a kill; `null` where nobody asked for that. */
  saver: Archiver | null;
};

/** Thrown instead of sending: somebody has just read that it is not as it was shown. */
class StepDrifted extends Error {
  override readonly name = 'StepDrifted';
  constructor(
    readonly drift: string,
    readonly now: Sandbox,
  ) {
    super(drift);
  }
}

/** What came of sending once. */
type Attempt = {
  refusal: SandkeeperError | null;
  /** The service says that it was so already. */
  wasSo: boolean;
};

type Act = {
  send: (id: string, params: ActParams) => Promise<{ wasSo: boolean }>;
  /** How often it may be sent when a reading says that it has not happened. */
  mostTries: number;
  /** What `now` means after this act; `null`: it has not happened (yet). */
  judge: (now: Sandbox | null, context: StepContext, attempt: Attempt) => StepResult | null;
};

const DEFAULT_RESUME_MS = 5 * 60 * 1000;
/** The service rounds and clamps deadlines; less than this is no news. */
const DEADLINE_SLACK_MS = 5_000;
/** The act may have happened although the call failed so: only a reading can tell. */
const JUDGED: ReadonlySet<ErrorCode> = new Set([
  'timeout',
  'unavailable',
  'unexpected',
  'conflict',
  'not_found',
]);
/** Asking the same again cannot end otherwise. */
const SETTLED: ReadonlySet<ErrorCode> = new Set(['conflict', 'not_found']);
/** How often a sandbox is read again after an accepted act before that act is sent again. */
const READS_PER_TRY = 4;

const ACTS = {
  kill: {
    send: async (id) => ({ wasSo: (await killSandbox(id)) === 'already_gone' }),
    mostTries: 8,
    judge: (now, _context, { wasSo }) => {
      if (now !== null) return null;
      return wasSo
        ? { outcome: 'already', message: 'It was already terminated.', sandbox: null }
        : { outcome: 'done', message: null, sandbox: null };
    },
  },
  pause: {
    send: (id) => unlessSoAlready(() => pauseSandbox(id)),
    mostTries: 4,
    judge: (now, _context, attempt) => judgeState(now, 'paused', attempt),
  },
  resume: {
    send: (id, { timeoutMs = DEFAULT_RESUME_MS, autoPause }) =>
      unlessSoAlready(() =>
        resumeSandbox(id, { timeoutMs, ...(autoPause === undefined ? {} : { autoPause }) }),
      ),
    mostTries: 4,
    judge: (now, _context, attempt) => judgeState(now, 'running', attempt),
  },
  setTimeout: {
    send: async (id, { timeoutMs = 0 }) => {
      await setSandboxTimeout(id, timeoutMs);
      return { wasSo: false };
    },
    mostTries: 4,
    judge: judgeDeadline,
  },
} satisfies Record<StateAct, Act>;

/**
 * Does one act to one sandbox, if it still is as it was shown, and reads it again to see what is true: an answer alone
 * proves nothing (docs/protocol.md#failed-pauses). Sends again only what a reading says has not happened. Never throws.
 */
export async function runStep(context: StepContext): Promise<StepResult> {
  try {
    const obstacle = await lookFirst(context);
    return obstacle ?? (await askThenSend(context));
  } catch (thrown) {
    if (thrown instanceof StepStopped)
      return { outcome: 'cancelled', message: context.saver?.sayStopped ?? null };
    if (thrown instanceof StepDrifted) return skipped(thrown.drift, thrown.now);
    const error = SandkeeperError.from(thrown);
    if (error.code === 'unexpected') console.error(`${context.act} of ${context.shown.id}:`, error.cause);
    return { outcome: isDenial(error) ? 'denied' : 'failed', message: error.message };
  }
}

/** Answers the result where nothing is to be sent: it is gone, it is so already, or it has changed. */
async function lookFirst(context: StepContext): Promise<StepResult | null> {
  const { act, shown, mayHaveBeenSent, saver } = context;
  const now = await readPatiently(context, context.sinceMs);
  const wasSo = !mayHaveBeenSent;
  if (now === null) {
    if (act !== 'kill') return gone();
    const result = ACTS.kill.judge(now, context, { refusal: null, wasSo });
    return result !== null && saver !== null ? judgeGone(saver, result) : result;
  }
  if (mayHaveBeenSent) {
    const result = ACTS[act].judge(now, context, { refusal: null, wasSo: false });
    if (result !== null && act !== 'setTimeout') return result;
  }
  const drift = context.driftOf(shown, now);
  // Awake, or paused again, because its files were about to be saved: by an earlier process or by an earlier try.
  if (drift === null || (await saver?.isOurWake(now))) return null;
  return skipped(drift, now);
}

async function askThenSend(context: StepContext): Promise<StepResult> {
  const { act, params, shown } = context;
  if (act !== 'kill' || !params.graceMs || shown.state !== 'running') return archiveThenSend(context);
  const end = await askToEnd(context, params.graceMs);
  const result = await archiveThenSend(context);
  return result.outcome === 'done' ? { ...result, message: result.message ?? inWords(end) } : result;
}

/**
 * A turn to save is long in coming, and saving takes long: whether it still is as it was shown is looked at once more
 * before each of saving and killing.
 */
async function archiveThenSend(context: StepContext): Promise<StepResult> {
  const { saver, shown } = context;
  if (saver === null) return sendUntilTrue(context);
  const read = () => readPatiently(context, Date.now());
  const look = () => lookFirst({ ...context, sinceMs: Date.now() });
  const kill = async (now: Sandbox) => {
    // It is awake now, and nothing else about it may be other than it was shown.
    const awake = { ...now, metadata: shown.metadata };
    const again = { ...context, shown: awake, sinceMs: Date.now(), saver: null };
    return (await lookFirst(again)) ?? (await sendUntilTrue(again));
  };
  return archiveThenKill({ shown, saver, read, look, kill });
}

/** Whoever wanted the processes to end first does not want them killed unasked. */
async function askToEnd({ shown, askToEnd: ask }: StepContext, graceMs: number): Promise<GracefulEnd> {
  try {
    return await ask(shown.id, graceMs);
  } catch (thrown) {
    if (thrown instanceof StepStopped) throw thrown;
    const error = SandkeeperError.from(thrown);
    // Gone meanwhile: the kill will find that out.
    if (error.code === 'not_found') return { kind: 'ended', tookMs: 0 };
    throw new SandkeeperError(
      error.code,
      `Its processes could not be asked to end, so it was not killed. ${error.message}`,
      { cause: error.cause },
    );
  }
}

function inWords(end: GracefulEnd): string | null {
  if (end.kind === 'ended')
    return end.tookMs === 0 ? null : `Its processes ended within ${seconds(end.tookMs)}.`;
  return end.left === 1
    ? '1 process outlasted the wait and was killed.'
    : `${end.left} processes outlasted the wait and were killed.`;
}

async function sendUntilTrue(context: StepContext): Promise<StepResult> {
  const { act, shown, params } = context;
  const { send, mostTries, judge }: Act = ACTS[act];
  let last: Attempt = { refusal: null, wasSo: false };
  let refusals = 0;
  for (let tries = 1; tries <= mostTries; ) {
    let sentAtMs = Date.now();
    try {
      const isFirst = tries === 1;
      const { wasSo } = await context.send(() => {
        // The turn may have been long in coming.
        if (isFirst) requireUndrifted(context);
        sentAtMs = Date.now();
        return send(shown.id, params);
      });
      // What an earlier try of ours has done is not "already so".
      last = { refusal: null, wasSo: wasSo && tries === 1 && !context.mayHaveBeenSent };
    } catch (thrown) {
      if (thrown instanceof StepStopped && tries > 1) return stoppedBetween(context);
      if (thrown instanceof StepStopped || thrown instanceof StepDrifted) throw thrown;
      const refusal = SandkeeperError.from(thrown);
      if (refusal.code === 'rate_limited' && refusals < MAX_REFUSALS) {
        // The pace has been told, and holds the next one back for as long as the service asked.
        refusals += 1;
        continue;
      }
      if (!JUDGED.has(refusal.code)) throw refusal;
      last = { refusal, wasSo: false };
    }
    const verdict = await verify(context, sentAtMs, (now) => judge(now, context, last), last.refusal);
    if (verdict !== null) return verdict;
    if (act !== 'kill' && last.refusal === null) break;
    await waitBackoff(tries);
    tries += 1;
  }
  return notDone(context, last.refusal);
}

function requireUndrifted({ latest, driftOf, shown }: StepContext): void {
  const now = latest(shown.id);
  const drift = now ? driftOf(shown, now) : null;
  if (now && drift !== null) throw new StepDrifted(drift, now);
}

/** Reads until `judge` knows; `null` when it still has not happened. `unknown` when it cannot be read at all. */
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
        if (drift !== null) return skipped(drift, now);
      }
      if (refusal !== null && SETTLED.has(refusal.code)) {
        const message = now === null ? null : sandboxCannot(now.state, context.act);
        return { outcome: 'failed', message: message ?? refusal.message, sandbox: now };
      }
      if (refusal !== null || read >= READS_PER_TRY) return null;
      await waitBackoff(read - 1);
    }
  } catch {
    return { outcome: 'unknown', message: 'It was sent, but what became of it could not be verified.' };
  }
}

async function notDone(context: StepContext, refusal: SandkeeperError | null): Promise<StepResult> {
  const now = await readPatiently(context, Date.now()).catch(() => undefined);
  const accepted = {
    kill: 'The service accepted the kill again and again, but the sandbox is still there.',
    pause: 'The service accepted it, but the sandbox is not paused.',
    resume: 'The service accepted it, but the sandbox is not running.',
    setTimeout: 'The service accepted it, but the deadline is another.',
  } satisfies Record<StateAct, string>;
  const message = refusal?.message ?? accepted[context.act];
  return { outcome: 'failed', message, ...(now === undefined ? {} : { sandbox: now }) };
}

/** Cancelled after a try that did not do it. */
async function stoppedBetween(context: StepContext): Promise<StepResult> {
  const attempt = { refusal: null, wasSo: false };
  const verdict = await verify(
    context,
    Date.now(),
    (now) =>
      ACTS[context.act].judge(now, context, attempt) ?? {
        outcome: 'cancelled',
        message: 'Stopped after a try that did not do it.',
        sandbox: now,
      },
    null,
  );
  return verdict ?? { outcome: 'cancelled', message: null };
}

function judgeState(now: Sandbox | null, wanted: SandboxState, { wasSo }: Attempt): StepResult | null {
  if (now === null) return gone();
  if (now.state !== wanted) return null;
  if (wasSo) return { outcome: 'already', message: `It was already ${wanted}.`, sandbox: now };
  return { outcome: 'done', message: null, sandbox: now };
}

/**
 * A sandbox that has been paused meanwhile answers `not_found`, just as one that is gone
 * (docs/protocol.md#state-matrix).
 */
function judgeDeadline(
  now: Sandbox | null,
  { params: { timeoutMs = 0 } }: StepContext,
  { refusal }: Attempt,
): StepResult | null {
  if (now === null) return gone();
  const verdict = sandboxCannot(now.state, 'setTimeout');
  if (verdict !== null) return { outcome: 'failed', message: verdict, sandbox: now };
  const grantedMs = now.endAtMs - Date.now();
  const isShortened = grantedMs < timeoutMs - DEADLINE_SLACK_MS;
  const isOff = Math.abs(grantedMs - timeoutMs) > DEADLINE_SLACK_MS;
  if (refusal !== null && isOff) return null;
  const message = isShortened ? `The service granted ${duration(grantedMs)}, its maximum.` : null;
  return { outcome: 'done', message, sandbox: now };
}

async function unlessSoAlready(call: () => Promise<void>): Promise<{ wasSo: boolean }> {
  try {
    await call();
    return { wasSo: false };
  } catch (thrown) {
    // If the reading agrees, that is.
    if (thrown instanceof SandkeeperError && thrown.code === 'conflict') return { wasSo: true };
    throw thrown;
  }
}

function gone(): StepResult {
  return { outcome: 'failed', message: 'It was terminated meanwhile.', sandbox: null };
}

function skipped(drift: string, now: Sandbox): StepResult {
  return { outcome: 'skipped', message: `Left alone: ${drift}.`, sandbox: now };
}

function isDenial({ code }: SandkeeperError): boolean {
  return code === 'forbidden' || code === 'unauthenticated';
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

function duration(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

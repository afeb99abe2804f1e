import 'server-only';
import { createHash } from 'node:crypto';
import { SandkeeperError } from '../errors';
import type { ActParams } from '../operations/schema';
import { disconnected, StepDisconnected } from '../operations/step/connection-end';
import type { Verdict } from '../operations/step/rate-limiter';
import { MAX_REFUSALS, readPatiently } from '../operations/step/read-patiently';
import { type StepResult, StepStopped } from '../operations/step/step-result';
import type { Sandbox } from '../sandbox/schema';
import { apiOf } from '../sandbox-api/configured';
import { ConnectRefusal } from '../sandbox-api/connect';
import type { Envd } from '../sandbox-api/envd';
import { shellOf } from '../sandbox-api/envd-shell';
import { asksToSlowDown } from '../sandbox-api/errors';
import type { SandboxKey } from '../sandbox-key';
import type { CommandSlot } from './concurrency';
import { type FollowedShell, followShell } from './follow-shell';
import { LimitTimer } from './limit-timer';
import { type CommandFeed, liveCommands } from './live';
import { type CommandEnding, type CommandRecord, USUAL_LIMIT_MS } from './schema';
import type { ShellEnd } from './shell-end';
import {
  type CommandId,
  type EndedCommand,
  findCommand,
  recordCommandEnd,
  recordCommandStart,
} from './store';
import { commandResult } from './words';

export type CommandContext = {
  id: CommandId;
  params: ActParams;
  /** The sandbox as it was shown. */
  shown: Sandbox;
  /** Readings requested before this time are ignored, epoch ms. */
  sinceMs: number;
  /** Another process may have sent it. */
  wasClaimed: boolean;
  read: (key: SandboxKey, sinceMs: number) => Promise<Sandbox | null>;
  driftOf: (shown: Sandbox, now: Sandbox) => string | null;
  take: () => Promise<CommandSlot>;
  /** The last check before sending. Throws `StepStopped` if it was stopped or the claim is lost. */
  requireClaim: () => Promise<void>;
  /** Called before it is sent, and with a message while it cannot be followed. */
  begin: (message: string | null) => void;
  /** Aborted when the operation is stopped, or when this process gives up the item. */
  signal: AbortSignal;
  /** Whether this process has given up the item: the command is not killed, and no outcome is reported. */
  isGivenUp: () => boolean;
};

/** Wait beyond the time limit. The sandbox should have ended the command by then. */
const LIMIT_SLACK_MS = 2_000;
/** Wait for the end of a killed command. */
const KILL_WAIT_MS = 3_000;
const KILL_CALL_MS = 5_000;
const RETRY_WRITE_MS = 1_000;
/** Connect codes that mean that the command was never started (docs/protocol.md#connect-codes). */
const NEVER_STARTED: ReadonlySet<string> = new Set([
  'invalid_argument',
  'unauthenticated',
  'permission_denied',
  'resource_exhausted',
  'unimplemented',
  'http_400',
  'http_401',
  'http_403',
  'http_429',
]);

/**
 * Runs a command in one sandbox and follows it to its end. It is recorded before it is sent, and a recorded command is
 * never sent again by any process, because a second run may have other effects. Never throws.
 */
export async function runCommandInSandbox(context: CommandContext): Promise<StepResult> {
  try {
    const earlier = context.wasClaimed ? await findCommand(context.id) : null;
    if (earlier !== null) return await settleEarlier(context.id, earlier);
    return (await checkBefore(context)) ?? (await startWithRetries(context));
  } catch (thrown) {
    if (thrown instanceof StepDisconnected) return disconnected(thrown);
    if (thrown instanceof StepStopped) return { outcome: 'cancelled', message: null };
    return notStarted(SandkeeperError.from(thrown));
  }
}

/** The result of a command that an earlier process sent. */
async function settleEarlier(id: CommandId, earlier: CommandRecord): Promise<StepResult> {
  if (earlier.ending === null) await recordCommandEnd(id, { ...earlier, ending: 'lost', fingerprint: null });
  if (earlier.ending === null || earlier.ending === 'lost') {
    return {
      outcome: 'unknown',
      message: 'Sandkeeper stopped while the command ran. It may have continued. It is not run again.',
    };
  }
  return commandResult({ ...earlier, ending: earlier.ending });
}

async function checkBefore({ shown, read, sinceMs, driftOf }: CommandContext): Promise<StepResult | null> {
  const now = await readPatiently({ shown, read }, sinceMs);
  if (now === null)
    return {
      outcome: 'failed',
      message: 'The sandbox was terminated before the command started.',
      sandbox: null,
    };
  const drift = driftOf(shown, now);
  return drift === null ? null : { outcome: 'skipped', message: `Skipped: ${drift}.`, sandbox: now };
}

/** Retries only if the service throttles before the command has started. */
async function startWithRetries(context: CommandContext): Promise<StepResult> {
  let isRecorded = false;
  for (let refusals = 0; ; refusals += 1) {
    const slot = await context.take().catch((thrown) => giveUp(context, isRecorded, thrown));
    let verdict: Verdict = 'failed';
    let retryAfterMs: number | undefined;
    try {
      await context.requireClaim();
      const envd = await apiOf(context.id.sandboxKey).openEnvd(context.id.sandboxKey);
      // Before it is recorded: what is recorded is never sent again.
      const shell = await shellOf(envd, context.signal);
      await context.requireClaim();
      context.begin(null);
      if (!isRecorded && !(await recordCommandStart(context.id, Date.now()))) return sentByAnother();
      isRecorded = true;
      const followed = await follow(context, envd, shell, slot.started);
      if (followed.kind === 'refused') throw followed.thrown;
      verdict = 'fine';
      return followed.result;
    } catch (thrown) {
      const error = SandkeeperError.from(thrown);
      if (!asksToSlowDown(error) || refusals >= MAX_REFUSALS)
        return await giveUp(context, isRecorded, thrown);
      verdict = 'throttled';
      retryAfterMs = error.retryAfterMs;
    } finally {
      slot.release(verdict, retryAfterMs);
    }
  }
}

/** Records that a command was never started, so that it does not count as unknown. */
async function giveUp({ id }: CommandContext, isRecorded: boolean, thrown: unknown): Promise<never> {
  if (isRecorded)
    await recordCommandEnd(id, { ...(await emptyCommand(id)), ending: 'refused', fingerprint: null });
  throw thrown;
}

async function emptyCommand(id: CommandId): Promise<CommandRecord> {
  const record = await findCommand(id);
  if (record === null) throw new Error('The record of a command is missing.');
  return record;
}

function sentByAnother(): StepResult {
  return { outcome: 'unknown', message: 'Another Sandkeeper process has sent it. It is not sent again.' };
}

/** Why Sandkeeper killed a command. */
type Cut = 'limit' | 'stopped';

/** The result of sending. `refused`: never started. */
type Followed = { kind: 'over'; result: StepResult } | { kind: 'refused'; thrown: unknown };

/** Sends the command and follows it. Never throws, because an error would mean that the command was not sent. */
async function follow(
  context: CommandContext,
  envd: Envd,
  shell: string,
  onStart: () => void,
): Promise<Followed> {
  const { id, signal, isGivenUp } = context;
  if (signal.aborted) return { kind: 'refused', thrown: signal.reason };
  const { command = '', cwd, limitMs = USUAL_LIMIT_MS } = context.params;
  const startedAtMs = Date.now();
  const feed = liveCommands().begin(id, startedAtMs);
  const leaving = new AbortController();
  const limit = new LimitTimer(limitMs + LIMIT_SLACK_MS, () => cutOff('limit'));
  let running: { pid: number; envd: Envd } | null = null;
  let startedPid: number | null = null;
  let cut: Cut | null = null;
  let isKilled = false;
  let followed: FollowedShell | null = null;
  let failure: SandkeeperError | null = null;

  const kill = () => {
    setTimeout(() => leaving.abort(), KILL_WAIT_MS).unref();
    if (running === null) return;
    running.envd.signalProcess(running.pid, 'SIGKILL', AbortSignal.timeout(KILL_CALL_MS)).then(
      (wasThere) => {
        isKilled ||= wasThere;
      },
      () => {},
    );
  };
  const cutOff = (by: Cut) => {
    if (cut !== null) return;
    cut = by;
    kill();
  };
  const onStop = () => {
    if (isGivenUp()) leaving.abort();
    // A command that runs is followed to its end, although its connection is no longer in use.
    else if (!(signal.reason instanceof StepDisconnected)) cutOff('stopped');
  };
  signal.addEventListener('abort', onStop, { once: true });
  try {
    followed = await followShell({
      sandboxKey: id.sandboxKey,
      envd,
      command: { cmd: shell, args: ['-l', '-c', command], ...(cwd === undefined ? {} : { cwd }) },
      limitMs,
      signal: leaving.signal,
      onStart: (pid, by) => {
        if (startedPid === null) onStart();
        else {
          limit.resume();
          context.begin(null);
          feed.resume();
        }
        startedPid = pid;
        running = { pid, envd: by };
        if (cut !== null) kill();
      },
      onOutput: (name, bytes) => feed.add(name, bytes),
      onWait: (reason) => {
        limit.pause();
        running = null;
        context.begin(reason);
        feed.interrupt(reason);
      },
    });
  } catch (thrown) {
    failure = SandkeeperError.from(thrown);
  } finally {
    limit.pause();
    signal.removeEventListener('abort', onStop);
  }
  const end = followed?.end ?? null;
  if (signal.aborted && isGivenUp()) {
    feed.leave();
    // Keeps the output so far. The process that takes over reports the outcome.
    await recordCommandEnd(id, toRecord(feed, { ending: 'lost', end: null, pid: startedPid })).catch(
      () => {},
    );
    return { kind: 'over', result: { outcome: 'unknown', message: null } };
  }
  if (startedPid === null && end === null && failure !== null && wasNeverStarted(failure)) {
    feed.leave();
    return { kind: 'refused', thrown: failure };
  }
  const isHeld = followed?.isHeld ?? false;
  const ending = endingOf({ end, isHeld, cut, isKilled, failure, isOverdue: limit.usedMs >= limitMs });
  const record = toRecord(feed, { ending, end, pid: startedPid });
  await writeEnd(context, record);
  const result = withInterruption(commandResult(record, failure), followed);
  feed.end({ kind: 'ended', run: record, outcome: result.outcome, message: result.message });
  return { kind: 'over', result };
}

/** Retries until the database accepts the record. */
async function writeEnd({ id, isGivenUp }: CommandContext, record: EndedCommand): Promise<void> {
  while (!isGivenUp()) {
    try {
      return await recordCommandEnd(id, record);
    } catch (error) {
      console.error('The end of a command could not be recorded:', error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_WRITE_MS));
    }
  }
}

function withInterruption(result: StepResult, followed: FollowedShell | null): StepResult {
  if (!followed?.wasInterrupted) return result;
  const note = 'It was interrupted by a pause or a lost connection, so output may be missing.';
  return { ...result, message: result.message === null ? note : `${result.message} ${note}` };
}

type Ended = ShellEnd | null;

function endingOf(facts: {
  end: Ended;
  isHeld: boolean;
  cut: Cut | null;
  /** The sandbox confirmed our SIGKILL. */
  isKilled: boolean;
  failure: SandkeeperError | null;
  isOverdue: boolean;
}): CommandEnding {
  const { end, isHeld, cut, isKilled, failure, isOverdue } = facts;
  if (end !== null && end.exitCode >= 0) return isHeld ? 'held' : 'exited';
  if (refusalOf(failure) === 'deadline_exceeded') return 'limit';
  if (cut !== null && (end !== null || isKilled)) return cut;
  if (end !== null) return isOverdue ? 'limit' : 'signalled';
  return 'lost';
}

type Facts = { ending: CommandEnding; end: Ended; pid: number | null };

function toRecord(feed: CommandFeed, { ending, end, pid }: Facts): EndedCommand {
  const stdout = feed.stdout.text(true);
  const stderr = feed.stderr.text(true);
  const exitCode = (ending === 'exited' || ending === 'held') && end ? end.exitCode : null;
  const signal = ending === 'signalled' && end ? end.signal : null;
  const hash = createHash('sha256').update(JSON.stringify([ending, exitCode, signal]));
  for (const output of [feed.stdout, feed.stderr]) hash.update(output.digest());
  return {
    startedAtMs: feed.startedAtMs,
    ending,
    exitCode,
    signal,
    tookMs: Date.now() - feed.startedAtMs,
    pid,
    stdout,
    stderr,
    fingerprint: hash.digest('base64url'),
  };
}

function refusalOf(failure: SandkeeperError | null): string | null {
  return failure?.cause instanceof ConnectRefusal ? failure.cause.code : null;
}

function wasNeverStarted(failure: SandkeeperError): boolean {
  return NEVER_STARTED.has(refusalOf(failure) ?? '');
}

function notStarted(error: SandkeeperError): StepResult {
  if (error.code === 'unexpected') console.error('A command could not be started:', error.cause);
  const isDenial = error.code === 'forbidden' || error.code === 'unauthenticated';
  const message =
    error.code === 'invalid'
      ? 'It was not started: the directory or the shell does not exist.'
      : `It was not started. ${error.message}`;
  return { outcome: isDenial ? 'denied' : 'failed', message };
}

import 'server-only';
import { createHash } from 'node:crypto';
import { SandkeeperError } from '../errors';
import type { ActParams } from '../operations/schema';
import type { Verdict } from '../operations/step/rate-limiter';
import { MAX_REFUSALS, readPatiently } from '../operations/step/read-patiently';
import { type StepResult, StepStopped } from '../operations/step/step-result';
import type { Sandbox } from '../sandbox/schema';
import { ConnectRefusal } from '../sandbox-api/connect';
import { type Envd, openEnvd } from '../sandbox-api/envd';
import { asksToSlowDown } from '../sandbox-api/errors';
import type { CommandSlot } from './concurrency';
import { type CommandFeed, liveCommands } from './live';
import { type CommandEnding, type CommandRecord, USUAL_LIMIT_MS } from './schema';
import {
  type CommandId,
  type EndedCommand,
  findCommand,
  recordCommandEnd,
  recordCommandStart,
} from './store';
import { commandResult } from './words';

/** What running a command in one sandbox needs of the world around it. */
export type CommandContext = {
  id: CommandId;
  params: ActParams;
  /** The sandbox as the person was shown it. */
  shown: Sandbox;
  /** Readings asked for before this say nothing, epoch ms. */
  sinceMs: number;
  /** Another process, or an earlier one, may have sent it. */
  wasClaimed: boolean;
  read: (id: string, sinceMs: number) => Promise<Sandbox | null>;
  driftOf: (shown: Sandbox, now: Sandbox) => string | null;
  /** Waits for a turn. */
  take: () => Promise<CommandSlot>;
  /** The last look before sending. Throws `StepStopped` where it was stopped or is somebody else's by now. */
  requireClaim: () => Promise<void>;
  /** It is being sent. */
  begin: () => void;
  /** Aborted when the operation is stopped, or when this process gives the item up. */
  signal: AbortSignal;
  /** It was given up: what runs is left alone, and nothing is said of it. */
  isGivenUp: () => boolean;
};

/** How much longer than its limit a command is waited for; the sandbox itself should have ended it. */
const LIMIT_SLACK_MS = 2_000;
/** How long the end of a killed command is waited for. */
const KILL_WAIT_MS = 3_000;
const KILL_CALL_MS = 5_000;
const WRITE_AGAIN_MS = 1_000;
/** Connect's words for a command that was never started. */
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
 * Runs the command of an operation in one sandbox and follows it to its end. It is written down before it is sent, and
 * once that stands there it is never sent again, by whomever: a command may do something else the second time.
 * Never throws.
 */
export async function runCommandInSandbox(context: CommandContext): Promise<StepResult> {
  try {
    const earlier = context.wasClaimed ? await findCommand(context.id) : null;
    if (earlier !== null) return await settleEarlier(context.id, earlier);
    return (await lookFirst(context)) ?? (await startInTurn(context));
  } catch (thrown) {
    if (thrown instanceof StepStopped) return { outcome: 'cancelled', message: null };
    return notStarted(SandkeeperError.from(thrown));
  }
}

/** Of what an earlier process sent: how it ended if that was written, else that nobody knows. */
async function settleEarlier(id: CommandId, earlier: CommandRecord): Promise<StepResult> {
  if (earlier.ending === null) await recordCommandEnd(id, { ...earlier, ending: 'lost', fingerprint: null });
  if (earlier.ending === null || earlier.ending === 'lost') {
    return {
      outcome: 'unknown',
      message: 'Sandkeeper ended while it ran. It may have gone on; it is not run again.',
    };
  }
  return commandResult({ ...earlier, ending: earlier.ending });
}

async function lookFirst({ shown, read, sinceMs, driftOf }: CommandContext): Promise<StepResult | null> {
  const now = await readPatiently({ shown, read }, sinceMs);
  if (now === null)
    return { outcome: 'failed', message: 'It was terminated before it began.', sandbox: null };
  const drift = driftOf(shown, now);
  return drift === null ? null : { outcome: 'skipped', message: `Left alone: ${drift}.`, sandbox: now };
}

/** Asks again only while the service says that it is too much, before anything was started. */
async function startInTurn(context: CommandContext): Promise<StepResult> {
  let isWritten = false;
  for (let refusals = 0; ; refusals += 1) {
    const turn = await context.take().catch((thrown) => giveUp(context, isWritten, thrown));
    let verdict: Verdict = 'failed';
    let retryAfterMs: number | undefined;
    try {
      await context.requireClaim();
      const envd = await openEnvd(context.id.sandboxId);
      await context.requireClaim();
      context.begin();
      if (!isWritten && !(await recordCommandStart(context.id, Date.now()))) return sentByAnother();
      isWritten = true;
      const followed = await follow(context, envd, turn.started);
      if (followed.kind === 'refused') throw followed.thrown;
      verdict = 'fine';
      return followed.result;
    } catch (thrown) {
      const error = SandkeeperError.from(thrown);
      if (!asksToSlowDown(error) || refusals >= MAX_REFUSALS) return await giveUp(context, isWritten, thrown);
      verdict = 'throttled';
      retryAfterMs = error.retryAfterMs;
    } finally {
      turn.release(verdict, retryAfterMs);
    }
  }
}

/** It was not started, which must not look as if nobody knew. */
async function giveUp({ id }: CommandContext, isWritten: boolean, thrown: unknown): Promise<never> {
  if (isWritten)
    await recordCommandEnd(id, { ...(await emptyCommand(id)), ending: 'refused', fingerprint: null });
  throw thrown;
}

async function emptyCommand(id: CommandId): Promise<CommandRecord> {
  const run = await findCommand(id);
  if (run === null) throw new Error('A run that was written down is gone.');
  return run;
}

function sentByAnother(): StepResult {
  return { outcome: 'unknown', message: 'Another process of Sandkeeper has sent it; it is not sent again.' };
}

/** What ended a command other than itself. */
type Cut = 'limit' | 'stopped';

/** What came of sending; `refused`: it was never started. */
type Followed = { kind: 'over'; result: StepResult } | { kind: 'refused'; thrown: unknown };

/** Sends the command and stays with it. Never throws: from here on nothing else may look as if it was never sent. */
async function follow(context: CommandContext, envd: Envd, onStart: () => void): Promise<Followed> {
  const { id, signal, isGivenUp } = context;
  if (signal.aborted) return { kind: 'refused', thrown: signal.reason };
  const { command = '', cwd, limitMs = USUAL_LIMIT_MS } = context.params;
  const startedAtMs = Date.now();
  const feed = liveCommands().begin(id, startedAtMs);
  const leaving = new AbortController();
  let pid: number | null = null;
  let cut: Cut | null = null;
  let isKilled = false;
  let end: { exitCode: number; signal: string | null } | null = null;
  let failure: SandkeeperError | null = null;

  const kill = () => {
    setTimeout(() => leaving.abort(), KILL_WAIT_MS).unref();
    if (pid === null) return;
    envd.signalProcess(pid, 'SIGKILL', AbortSignal.timeout(KILL_CALL_MS)).then(
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
    else cutOff('stopped');
  };
  const timer = setTimeout(() => cutOff('limit'), limitMs + LIMIT_SLACK_MS);
  signal.addEventListener('abort', onStop, { once: true });
  try {
    const program = { cmd: '/bin/bash', args: ['-l', '-c', command], ...(cwd === undefined ? {} : { cwd }) };
    for await (const event of envd.run(program, limitMs, leaving.signal)) {
      if (event.kind === 'start') {
        pid = event.pid;
        onStart();
        if (cut !== null) kill();
      } else if (event.kind === 'end') end = event;
      else feed.add(event.kind, event.bytes);
    }
  } catch (thrown) {
    failure = SandkeeperError.from(thrown);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onStop);
  }
  if (signal.aborted && isGivenUp()) {
    feed.leave();
    // So far it went; whoever takes it up says so.
    await recordCommandEnd(id, runOf(feed, { ending: 'lost', end: null })).catch(() => {});
    return { kind: 'over', result: { outcome: 'unknown', message: null } };
  }
  if (pid === null && end === null && failure !== null && wasNeverStarted(failure)) {
    feed.leave();
    return { kind: 'refused', thrown: failure };
  }
  const isOverdue = Date.now() - startedAtMs >= limitMs;
  const ending = endingOf({ end, cut, isKilled, failure, isOverdue });
  const run = runOf(feed, { ending, end });
  await writeEnd(context, run);
  const result = commandResult(run, failure);
  feed.end({ kind: 'ended', run, outcome: result.outcome, message: result.message });
  return { kind: 'over', result };
}

/** While the database is away, what is known of the end is kept until it can be written. */
async function writeEnd({ id, isGivenUp }: CommandContext, run: EndedCommand): Promise<void> {
  while (!isGivenUp()) {
    try {
      return await recordCommandEnd(id, run);
    } catch (error) {
      console.error('How a command ended could not be recorded:', error);
      await new Promise((resolve) => setTimeout(resolve, WRITE_AGAIN_MS));
    }
  }
}

type Ended = { exitCode: number; signal: string | null } | null;

function endingOf(facts: {
  end: Ended;
  cut: Cut | null;
  /** A kill of ours was answered. */
  isKilled: boolean;
  failure: SandkeeperError | null;
  isOverdue: boolean;
}): CommandEnding {
  const { end, cut, isKilled, failure, isOverdue } = facts;
  if (end !== null && end.exitCode >= 0) return 'exited';
  if (refusalOf(failure) === 'deadline_exceeded') return 'limit';
  if (cut !== null && (end !== null || isKilled)) return cut;
  if (end !== null) return isOverdue ? 'limit' : 'signalled';
  return 'lost';
}

function runOf(feed: CommandFeed, { ending, end }: { ending: CommandEnding; end: Ended }): EndedCommand {
  const stdout = feed.stdout.text(true);
  const stderr = feed.stderr.text(true);
  const exitCode = ending === 'exited' && end ? end.exitCode : null;
  const signal = ending === 'signalled' && end ? end.signal : null;
  const hash = createHash('sha256').update(JSON.stringify([ending, exitCode, signal]));
  for (const output of [feed.stdout, feed.stderr]) hash.update(output.digest());
  return {
    startedAtMs: feed.startedAtMs,
    ending,
    exitCode,
    signal,
    tookMs: Date.now() - feed.startedAtMs,
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
      ? 'It was not started: there is no such directory, or no shell.'
      : `It was not started. ${error.message}`;
  return { outcome: isDenial ? 'denied' : 'failed', message };
}

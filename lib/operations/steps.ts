import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import { getSandbox, killSandbox, pauseSandbox, resumeSandbox, setSandboxTimeout } from '../moru/control';
import { type SandboxAct, sandboxCannot } from '../sandbox/can';
import type { Sandbox, SandboxState } from '../sandbox/schema';
import type { ActParams, Outcome } from './schema';

/** What is true of one sandbox after one act. `sandbox` is the verifying reading, `null` when that found it gone. */
export type StepResult = {
  outcome: Exclude<Outcome, 'waiting' | 'sending'>;
  message: string | null;
  sandbox?: Sandbox | null;
};

type Step = (id: string, params: ActParams) => Promise<StepResult>;

/** How long a verified kill may take to show, in ms between readings. */
const VERIFY_AFTER_MS = [0, 100, 250, 500, 1_000, 2_000, 4_000];
const DEFAULT_RESUME_MS = 5 * 60 * 1000;
/** The service rounds and clamps deadlines; less than this is no news. */
const DEADLINE_SLACK_MS = 5_000;
/** The act may have happened although the call failed so. */
const MAY_HAVE_ACTED: ReadonlySet<ErrorCode> = new Set(['timeout', 'unavailable', 'unexpected']);
const MOST_RETRIES = 5;
/** Asked to stay away for longer than this, a step gives up rather than keep others waiting behind it. */
const LONGEST_RETRY_MS = 60_000;

const STEPS = {
  kill,
  pause: (id) => reach(id, 'paused', () => pauseSandbox(id)),
  resume: (id, { timeoutMs = DEFAULT_RESUME_MS, autoPause }) =>
    reach(id, 'running', () =>
      resumeSandbox(id, { timeoutMs, ...(autoPause === undefined ? {} : { autoPause }) }),
    ),
  setTimeout: moveDeadline,
} satisfies Record<SandboxAct, Step>;

/** Does one act to one sandbox and reads it again to see what is true. Never throws. */
export async function runStep(act: SandboxAct, id: string, params: ActParams): Promise<StepResult> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await STEPS[act](id, params);
    } catch (thrown) {
      const error = SandkeeperError.from(thrown);
      const retryMs = error.retryAfterMs ?? 1_000 * 2 ** tries;
      if (error.code === 'rate_limited' && tries < MOST_RETRIES && retryMs <= LONGEST_RETRY_MS) {
        await wait(retryMs);
        continue;
      }
      if (error.code === 'unexpected') console.error(`${act} of ${id}:`, error.cause);
      return { outcome: error.code === 'forbidden' ? 'denied' : 'failed', message: error.message };
    }
  }
}

/** A kill counts once a reading says the sandbox is gone, whatever the call itself answered (protocol §1.2). */
async function kill(id: string): Promise<StepResult> {
  const { answer, refusal } = await attempt(() => killSandbox(id));
  if (answer === 'already_gone')
    return { outcome: 'already', message: 'It was already terminated.', sandbox: null };
  return verified(async () => {
    const remains = await readUntilGone(id);
    if (remains === null) return { outcome: 'done', message: null, sandbox: null };
    const message = refusal?.message ?? 'The service accepted the kill, but the sandbox is still there.';
    return { outcome: 'failed', message, sandbox: remains };
  });
}

type Attempt<T> = { answer: T; refusal: null } | { answer: null; refusal: SandkeeperError };

/** Runs `act`. Answers a failure after which it may have happened nonetheless, or that is `tolerated`; throws any other. */
async function attempt<T>(act: () => Promise<T>, tolerated?: ErrorCode): Promise<Attempt<T>> {
  try {
    return { answer: await act(), refusal: null };
  } catch (thrown) {
    const refusal = SandkeeperError.from(thrown);
    if (MAY_HAVE_ACTED.has(refusal.code) || refusal.code === tolerated) return { answer: null, refusal };
    throw refusal;
  }
}

/** What `judge` finds by reading. It throws when the reading fails: then nobody knows what became of the act. */
async function verified(judge: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await judge();
  } catch {
    return { outcome: 'unknown', message: 'It was sent, but what became of it could not be verified.' };
  }
}

async function readUntilGone(id: string): Promise<Sandbox | null> {
  let last: Sandbox | null = null;
  for (const ms of VERIFY_AFTER_MS) {
    await wait(ms);
    last = await readIfThere(id);
    if (last === null) return null;
  }
  return last;
}

/** Pause and resume: `conflict` means that it was so already, if the reading agrees. */
async function reach(id: string, wanted: SandboxState, act: () => Promise<void>): Promise<StepResult> {
  const { refusal } = await attempt(act, 'conflict');
  return verified(async () => {
    const sandbox = await readIfThere(id);
    if (sandbox === null) return gone();
    if (sandbox.state !== wanted) {
      const message = refusal?.message ?? `It is ${sandbox.state}, not ${wanted}.`;
      return { outcome: 'failed', message, sandbox };
    }
    if (refusal?.code === 'conflict')
      return { outcome: 'already', message: `It was already ${wanted}.`, sandbox };
    return { outcome: 'done', message: null, sandbox };
  });
}

/** A sandbox that has been paused meanwhile answers `not_found`, just as one that is gone (protocol §1.2). */
async function moveDeadline(id: string, { timeoutMs = 0 }: ActParams): Promise<StepResult> {
  const { refusal } = await attempt(() => setSandboxTimeout(id, timeoutMs), 'not_found');
  return verified(async () => {
    const sandbox = await readIfThere(id);
    if (sandbox === null) return gone();
    const grantedMs = sandbox.endAtMs - Date.now();
    const isOff = Math.abs(grantedMs - timeoutMs) > DEADLINE_SLACK_MS;
    if (refusal !== null && (isOff || refusal.code === 'not_found')) {
      const message = sandboxCannot(sandbox.state, 'setTimeout') ?? refusal.message;
      return { outcome: 'failed', message, sandbox };
    }
    const isShortened = grantedMs < timeoutMs - DEADLINE_SLACK_MS;
    const message = isShortened ? `The service granted ${inWords(grantedMs)}, its maximum.` : null;
    return { outcome: 'done', message, sandbox };
  });
}

function inWords(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

function gone(): StepResult {
  return { outcome: 'failed', message: 'It was terminated meanwhile.', sandbox: null };
}

async function readIfThere(id: string): Promise<Sandbox | null> {
  try {
    return await getSandbox(id);
  } catch (thrown) {
    if (thrown instanceof SandkeeperError && thrown.code === 'not_found') return null;
    throw thrown;
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

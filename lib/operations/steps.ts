import 'server-only';
import { SandkeeperError } from '../errors';
import { getSandbox, killSandbox, pauseSandbox, resumeSandbox, setSandboxTimeout } from '../moru/control';
import type { SandboxAct } from '../sandbox/can';
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
const MOST_RETRIES = 5;

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
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await STEPS[act](id, params);
    } catch (thrown) {
      const error = SandkeeperError.from(thrown);
      if (error.code === 'rate_limited' && attempt < MOST_RETRIES) {
        await wait(error.retryAfterMs ?? 1_000 * 2 ** attempt);
        continue;
      }
      if (error.code === 'unexpected') console.error(`${act} of ${id}:`, error.cause);
      return { outcome: error.code === 'forbidden' ? 'denied' : 'failed', message: error.message };
    }
  }
}

/** A kill counts once a reading says the sandbox is gone, whatever the call itself answered (protocol §1.2). */
async function kill(id: string): Promise<StepResult> {
  let refusal: SandkeeperError | null = null;
  try {
    const answer = await killSandbox(id);
    if (answer === 'already_gone')
      return { outcome: 'already', message: 'It was already terminated.', sandbox: null };
  } catch (thrown) {
    refusal = SandkeeperError.from(thrown);
    if (!mayHaveActed(refusal)) throw refusal;
  }
  try {
    const remains = await readUntilGone(id);
    if (remains === null) return { outcome: 'done', message: null, sandbox: null };
    const message = refusal?.message ?? 'The service accepted the kill, but the sandbox is still there.';
    return { outcome: 'failed', message, sandbox: remains };
  } catch {
    return {
      outcome: 'unknown',
      message: 'The kill was sent, but whether the sandbox is gone could not be verified.',
    };
  }
}

/** Whether the act may have happened although the call failed. */
function mayHaveActed({ code }: SandkeeperError): boolean {
  return code === 'timeout' || code === 'unavailable' || code === 'unexpected';
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
  let refusal: SandkeeperError | null = null;
  try {
    await act();
  } catch (thrown) {
    refusal = SandkeeperError.from(thrown);
    if (refusal.code !== 'conflict' && !mayHaveActed(refusal)) throw refusal;
  }
  const sandbox = await readIfThere(id);
  if (sandbox === null) return gone();
  if (sandbox.state !== wanted) {
    return {
      outcome: 'failed',
      message: refusal?.message ?? `It is ${sandbox.state}, not ${wanted}.`,
      sandbox,
    };
  }
  if (refusal?.code === 'conflict')
    return { outcome: 'already', message: `It was already ${wanted}.`, sandbox };
  return { outcome: 'done', message: null, sandbox };
}

async function moveDeadline(id: string, { timeoutMs = 0 }: ActParams): Promise<StepResult> {
  await setSandboxTimeout(id, timeoutMs);
  const sandbox = await readIfThere(id);
  if (sandbox === null) return gone();
  const grantedMs = sandbox.endAtMs - Date.now();
  const shortened = grantedMs < timeoutMs - DEADLINE_SLACK_MS;
  return {
    outcome: 'done',
    message: shortened ? `The service granted ${Math.round(grantedMs / 60_000)} min, its maximum.` : null,
    sandbox,
  };
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

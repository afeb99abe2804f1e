import 'server-only';
import { SandkeeperError } from '../../errors';
import { type StateAct, sandboxCannot } from '../../sandbox/can';
import type { Sandbox, SandboxState } from '../../sandbox/schema';
import { apiOf, serviceNowMs } from '../../sandbox-api/configured';
import { comesBack } from '../../sandbox-api/errors';
import { DEADLINE_SLACK_MS, requestedDeadline } from '../plan/time-left';
import type { ActParams } from '../schema';
import type { StepResult } from '../step/step-result';

/** `shown`: the sandbox as it was shown. */
type ActRequest = { shown: Sandbox; params: ActParams };

export type Attempt = {
  refusal: SandkeeperError | null;
  /** The service says that the sandbox was already in this state. */
  wasAlready: boolean;
  /** When the request was sent, on the service's clock, epoch ms. A granted time is counted from here. */
  sentAtMs: number;
};

export type Act = {
  send: (shown: Sandbox, params: ActParams) => Promise<{ wasAlready: boolean }>;
  /** How often to send if readings show that it has not happened. */
  maxTries: number;
  /** The result that `now` proves; `null`: it has not happened yet. */
  judge: (now: Sandbox | null, request: ActRequest, attempt: Attempt) => StepResult | null;
};

const DEFAULT_RESUME_MS = 5 * 60 * 1000;

/** What each action sends, and which reading proves it. */
export const ACTS = {
  kill: {
    send: async ({ key }) => ({ wasAlready: (await apiOf(key).killSandbox(key)) === 'already_gone' }),
    maxTries: 8,
    judge: (now, _request, { wasAlready }) => {
      if (now !== null) return null;
      return wasAlready
        ? { outcome: 'already', message: 'It was already terminated.', sandbox: null }
        : { outcome: 'done', message: null, sandbox: null };
    },
  },
  pause: {
    send: ({ key }) => sendUnlessAlready(() => apiOf(key).pauseSandbox(key)),
    maxTries: 4,
    judge: (now, _request, attempt) => judgeState(now, 'paused', attempt),
  },
  resume: {
    send: ({ key }, { timeoutMs = DEFAULT_RESUME_MS, autoPause }) =>
      sendUnlessAlready(() =>
        apiOf(key).resumeSandbox(key, { timeoutMs, ...(autoPause === undefined ? {} : { autoPause }) }),
      ),
    maxTries: 4,
    judge: judgeResume,
  },
  setTimeout: {
    send: async (shown, params) => {
      const nowMs = serviceNowMs(shown.key);
      await apiOf(shown.key).setSandboxTimeout(shown.key, requestedDeadline(shown, params, nowMs) - nowMs);
      return { wasAlready: false };
    },
    maxTries: 4,
    judge: judgeDeadline,
  },
} satisfies Record<StateAct, Act>;

function judgeState(now: Sandbox | null, wanted: SandboxState, { wasAlready }: Attempt): StepResult | null {
  if (now === null) return gone();
  if (now.state !== wanted) return null;
  if (wasAlready) return { outcome: 'already', message: `It was already ${wanted}.`, sandbox: now };
  return { outcome: 'done', message: null, sandbox: now };
}

/** The service may run a resumed sandbox for less time than requested. */
function judgeResume(now: Sandbox | null, { params }: ActRequest, attempt: Attempt): StepResult | null {
  const result = judgeState(now, 'running', attempt);
  // Somebody else chose the deadline of a sandbox that was already running.
  if (result?.outcome !== 'done' || params.timeoutMs === undefined) return result;
  if (now === null || now.endAtMs === null) return result;
  return withGranted(now, now.endAtMs, attempt.sentAtMs + params.timeoutMs, attempt.sentAtMs);
}

/** A paused sandbox answers `not_found`, like one that is gone (docs/protocol.md#state-matrix). */
function judgeDeadline(
  now: Sandbox | null,
  { shown, params }: ActRequest,
  { refusal, sentAtMs }: Attempt,
): StepResult | null {
  if (now === null) return gone();
  const verdict = sandboxCannot(now.state, 'setTimeout');
  if (verdict !== null) return { outcome: 'failed', message: verdict, sandbox: now };
  if (now.endAtMs === null) return unverifiable(now);
  const wantedMs = requestedDeadline(shown, params, sentAtMs);
  if (refusal !== null && Math.abs(now.endAtMs - wantedMs) > DEADLINE_SLACK_MS) return null;
  return withGranted(now, now.endAtMs, wantedMs, sentAtMs);
}

function unverifiable(now: Sandbox): StepResult {
  const message = 'The service does not report a deadline to verify this with.';
  return { outcome: 'unknown', message, sandbox: now };
}

/** `partial` if the deadline that the service set, `endAtMs`, is earlier than `wantedMs`. */
function withGranted(now: Sandbox, endAtMs: number, wantedMs: number, sentAtMs: number): StepResult {
  if (endAtMs >= wantedMs - DEADLINE_SLACK_MS) return { outcome: 'done', message: null, sandbox: now };
  const message = `The service granted ${duration(endAtMs - sentAtMs)} of ${duration(wantedMs - sentAtMs)}.`;
  return { outcome: 'partial', message, sandbox: now };
}

async function sendUnlessAlready(call: () => Promise<void>): Promise<{ wasAlready: boolean }> {
  try {
    await call();
    return { wasAlready: false };
  } catch (thrown) {
    // The reading after it must agree.
    if (thrown instanceof SandkeeperError && thrown.code === 'conflict' && !comesBack(thrown))
      return { wasAlready: true };
    throw thrown;
  }
}

export function gone(): StepResult {
  return { outcome: 'failed', message: 'It was terminated in the meantime.', sandbox: null };
}

function duration(ms: number): string {
  const left = Math.max(0, ms);
  return left < 120_000 ? `${Math.round(left / 1_000)} s` : `${Math.round(left / 60_000)} min`;
}

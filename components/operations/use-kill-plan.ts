'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { toast } from '@/components/ui/toast';
import { type AnswerFailure, answerOf } from '@/lib/answer';
import { planKill, startPlan } from '@/lib/operations/actions';
import { type Operation, type OperationPlan, PLAN_LIVES_MS } from '@/lib/operations/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

/**
 * - `checking`: the server is reading the sandboxes; `ready`: a start does exactly what is shown.
 * - `starting`: the start was requested; `expired`: the plan is too old to be started.
 * - `nothing`: there is nothing to kill; `failed`: the sandboxes could not be read.
 */
export type KillPhase = 'checking' | 'ready' | 'starting' | 'expired' | 'nothing' | 'failed';

export type KillPlan = {
  /** The latest plan. Kept until the next one arrives. */
  plan: OperationPlan | null;
  phase: KillPhase;
  /** An error or a change, for people. */
  message: string | null;
  /** Whether checking again could help. */
  canRecheck: boolean;
  recheck: () => void;
  start: (confirmation: { typed: string; reason: string; filter: string }) => void;
};

type Input = {
  sandboxKeys: readonly SandboxKey[];
  /** `undefined`: invalid input. */
  graceMs: number | null | undefined;
  /** `undefined`: invalid input. */
  exportPath: string | null | undefined;
  retryOf: string | null;
  isOpen: boolean;
  onStarted: (operation: Operation) => void;
  onClose: () => void;
};

const NOTHING_KILLED = 'Nothing was killed.';
/** Debounces changes of options. */
const SETTLED_AFTER_MS = 300;
/** The highest limit a server can be configured with. More ids could exceed the size of a request. */
const MAX_IDS = 20_000;

/** Whether this error means that the operation was not recorded. */
const SURELY_NOT_STARTED = {
  unauthenticated: true,
  forbidden: true,
  not_found: true,
  not_offered: true,
  conflict: true,
  rate_limited: true,
  quota: true,
  timeout: true,
  unavailable: true,
  disk_full: true,
  invalid: true,
  outdated: true,
  unexpected: false,
} satisfies Record<AnswerFailure['code'], boolean>;

/** Whether the same request can succeed later, for example after a sign-in over the page. What was typed stays. */
const MAY_CHANGE = {
  unauthenticated: true,
  forbidden: false,
  not_found: true,
  not_offered: false,
  conflict: true,
  rate_limited: true,
  quota: true,
  timeout: true,
  unavailable: true,
  disk_full: true,
  invalid: false,
  outdated: true,
  unexpected: true,
} satisfies Record<AnswerFailure['code'], boolean>;

/**
 * Plans a kill of exactly `sandboxKeys` when the dialog opens, when an option changes (the plan's token covers the
 * options), and when a sandbox has changed. Starts the plan that is shown.
 */
export function useKillPlan(input: Input): KillPlan {
  const { sandboxKeys, graceMs, exportPath, retryOf, isOpen, onStarted, onClose } = input;
  const [plan, setPlan] = useState<OperationPlan | null>(null);
  const [phase, setPhase] = useState<KillPhase>('checking');
  const [message, setMessage] = useState<string | null>(null);
  const [canRecheck, setCanRecheck] = useState(true);
  const round = useRef(0);
  const shownCount = useRef<number | null>(null);
  const isOpenNow = useRef(isOpen);

  const fail = useCallback((failure: AnswerFailure | null) => {
    setPhase('failed');
    setCanRecheck(failure === null || MAY_CHANGE[failure.code]);
    setMessage(`${failure?.message ?? 'The server could not be reached.'} ${NOTHING_KILLED}`);
  }, []);

  const check = useCallback(
    async (cause: string | null) => {
      if (graceMs === undefined || exportPath === undefined) return;
      const mine = ++round.current;
      setPhase('checking');
      setMessage(cause);
      if (sandboxKeys.length > MAX_IDS) return fail(tooMany(sandboxKeys.length));
      const result = await answerOf(
        planKill({
          sandboxKeys: [...sandboxKeys],
          ...(graceMs === null ? {} : { graceMs }),
          ...(exportPath === null ? {} : { exportPath }),
          ...(retryOf === null ? {} : { retryOf }),
        }),
      );
      if (mine !== round.current) return;
      if (!result?.ok) return fail(result?.error ?? null);
      const count = result.value.targets.length;
      setPlan(result.value);
      setPhase(count === 0 ? 'nothing' : 'ready');
      setMessage(cause ?? describeChange(shownCount.current, count));
      shownCount.current = count;
    },
    [sandboxKeys, graceMs, exportPath, retryOf, fail],
  );

  // Checks at once when the dialog opens, and debounced when options change.
  useEffect(() => {
    if (!isOpen) return;
    const timer = setTimeout(() => void check(null), round.current === 0 ? 0 : SETTLED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isOpen, check]);

  useEffect(() => {
    if (!isOpen || plan === null) return;
    // Counted from its arrival, because the browser's clock may differ from the server's.
    const timer = setTimeout(() => setPhase((now) => (now === 'ready' ? 'expired' : now)), PLAN_LIVES_MS);
    return () => clearTimeout(timer);
  }, [isOpen, plan]);

  useEffect(() => {
    isOpenNow.current = isOpen;
  }, [isOpen]);

  async function start(confirmation: { typed: string; reason: string; filter: string }) {
    if (plan === null || phase !== 'ready') return;
    setPhase('starting');
    setMessage(null);
    const result = await answerOf(startPlan({ token: plan.token, ...confirmation }));
    // The operation runs even if the dialog was closed, so its outcome is still shown.
    if (result?.ok) onStarted(result.value);
    const failure = result?.ok ? null : describeFailure(result?.error ?? null);
    if (!isOpenNow.current) {
      if (failure !== null) toast.error('The kill was not confirmed', { description: failure });
    } else if (result?.ok) onClose();
    else if (result?.error.code === 'conflict') await check(result.error.message);
    else {
      setPhase('ready');
      setMessage(failure);
    }
  }

  return {
    plan,
    phase,
    message,
    canRecheck,
    recheck: () => void check(null),
    start: (confirmation) => void start(confirmation),
  };
}

function describeFailure(failure: AnswerFailure | null): string {
  if (failure !== null && SURELY_NOT_STARTED[failure.code]) return `${failure.message} ${NOTHING_KILLED}`;
  const problem = failure?.message ?? 'The server could not be reached.';
  return `${problem} The kill may have started. It is safe to try again: it cannot start twice.`;
}

function describeChange(before: number | null, now: number): string | null {
  if (before === null || before === now) return null;
  return `The sandboxes have changed: ${now} will be killed instead of ${before}.`;
}

function tooMany(count: number): AnswerFailure {
  return {
    code: 'invalid',
    message: `${count} sandboxes are too many for one operation. Narrow the filter, or split it into several operations.`,
  };
}

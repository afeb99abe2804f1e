'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { toast } from 'sonner';
import type { ErrorCode } from '@/lib/errors';
import { planKill, startPlan } from '@/lib/operations/actions';
import { type Operation, type OperationPlan, PLAN_LIVES_MS } from '@/lib/operations/schema';
import type { Failure } from '@/lib/result';

/**
 * - `checking`: the server is reading the sandboxes; `ready`: what is shown is what a start would do.
 * - `starting`: it has been told to start; `expired`: what is shown is too old to be started.
 * - `nothing`: there is nothing to kill; `failed`: it could not be read.
 */
export type KillPhase = 'checking' | 'ready' | 'starting' | 'expired' | 'nothing' | 'failed';

export type KillPlan = {
  /** The latest plan; the one before stays until the next is there. */
  plan: OperationPlan | null;
  phase: KillPhase;
  /** For people: what went wrong, or what has changed. */
  message: string | null;
  /** Whether asking again could help. */
  canLookAgain: boolean;
  lookAgain: () => void;
  start: (words: { typed: string; reason: string; filter: string }) => void;
};

type Input = {
  sandboxIds: readonly string[];
  /** `undefined` while what was typed is no time. */
  graceMs: number | null | undefined;
  /** `undefined` while what was typed is no path. */
  exportPath: string | null | undefined;
  retryOf: string | null;
  isOpen: boolean;
  onStarted: (operation: Operation) => void;
  onClose: () => void;
};

const NOTHING_KILLED = 'Nothing was killed.';
/** Options are changed a few at a time. */
const SETTLED_AFTER_MS = 300;
/** More ids than this the server would not take in one piece, whatever its limit. */
const MAX_IDS = 20_000;

/** Whether, after such an answer, it is certain that the operation was not recorded. */
const SURELY_NOT_STARTED = {
  unauthenticated: true,
  forbidden: true,
  not_found: true,
  conflict: true,
  rate_limited: true,
  quota: true,
  timeout: true,
  unavailable: true,
  invalid: true,
  unexpected: false,
} satisfies Record<ErrorCode, boolean>;

/** Whether asking the same again may be answered otherwise. */
const MAY_CHANGE = {
  unauthenticated: false,
  forbidden: false,
  not_found: true,
  conflict: true,
  rate_limited: true,
  quota: true,
  timeout: true,
  unavailable: true,
  invalid: false,
  unexpected: true,
} satisfies Record<ErrorCode, boolean>;

/**
 * Has the server plan a kill of exactly `sandboxIds` when the dialog opens, again when an option changes (options are
 * part of what a plan's token stands for) and when it turns out that they have changed; and starts what was shown.
 */
export function useKillPlan(input: Input): KillPlan {
  const { sandboxIds, graceMs, exportPath, retryOf, isOpen, onStarted, onClose } = input;
  const [plan, setPlan] = useState<OperationPlan | null>(null);
  const [phase, setPhase] = useState<KillPhase>('checking');
  const [message, setMessage] = useState<string | null>(null);
  const [canLookAgain, setCanLookAgain] = useState(true);
  /** Only the answer to the latest question counts. */
  const round = useRef(0);
  const shownCount = useRef<number | null>(null);
  const isAsking = useRef(isOpen);

  const fail = useCallback((failure: Failure | null) => {
    setPhase('failed');
    setCanLookAgain(failure === null || MAY_CHANGE[failure.code]);
    setMessage(`${failure?.message ?? 'The server could not be reached.'} ${NOTHING_KILLED}`);
  }, []);

  const look = useCallback(
    async (because: string | null) => {
      if (graceMs === undefined || exportPath === undefined) return;
      const mine = ++round.current;
      setPhase('checking');
      setMessage(because);
      if (sandboxIds.length > MAX_IDS) return fail(tooMany(sandboxIds.length));
      const result = await planKill({
        sandboxIds: [...sandboxIds],
        ...(graceMs === null ? {} : { graceMs }),
        ...(exportPath === null ? {} : { exportPath }),
        ...(retryOf === null ? {} : { retryOf }),
      }).catch(() => null);
      if (mine !== round.current) return;
      if (!result?.ok) return fail(result?.error ?? null);
      const count = result.value.targets.length;
      setPlan(result.value);
      setPhase(count === 0 ? 'nothing' : 'ready');
      setMessage(because ?? sayChange(shownCount.current, count));
      shownCount.current = count;
    },
    [sandboxIds, graceMs, exportPath, retryOf, fail],
  );

  // The server is the external system: asked at once for each opening, and when the options have settled.
  useEffect(() => {
    if (!isOpen) return;
    const timer = setTimeout(() => void look(null), round.current === 0 ? 0 : SETTLED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isOpen, look]);

  // Time is the other one: a plan that has expired must not look as if it could be started.
  useEffect(() => {
    if (!isOpen || plan === null) return;
    // Counted from when it came: the browser's clock need not be the server's.
    const timer = setTimeout(() => setPhase((now) => (now === 'ready' ? 'expired' : now)), PLAN_LIVES_MS);
    return () => clearTimeout(timer);
  }, [isOpen, plan]);

  useEffect(() => {
    isAsking.current = isOpen;
  }, [isOpen]);

  async function start(words: { typed: string; reason: string; filter: string }) {
    if (plan === null || phase !== 'ready') return;
    setPhase('starting');
    setMessage(null);
    const result = await startPlan({ token: plan.token, ...words }).catch(() => null);
    // Closing the dialog does not take back what was started: how it ends is said all the same.
    if (result?.ok) onStarted(result.value);
    const failure = result?.ok ? null : sayNotStarted(result?.error ?? null);
    if (!isAsking.current) {
      if (failure !== null) toast.error('The kill was not confirmed', { description: failure });
    } else if (result?.ok) onClose();
    else if (result?.error.code === 'conflict') await look(result.error.message);
    else {
      setPhase('ready');
      setMessage(failure);
    }
  }

  return {
    plan,
    phase,
    message,
    canLookAgain,
    lookAgain: () => void look(null),
    start: (words) => void start(words),
  };
}

function sayNotStarted(failure: Failure | null): string {
  if (failure !== null && SURELY_NOT_STARTED[failure.code]) return `${failure.message} ${NOTHING_KILLED}`;
  const what = failure?.message ?? 'The server could not be reached.';
  return `${what} Whether the kill was started is not known; starting it again cannot start it twice.`;
}

function sayChange(before: number | null, now: number): string | null {
  if (before === null || before === now) return null;
  return `Read again: ${now} will be killed now, no longer ${before}.`;
}

function tooMany(count: number): Failure {
  return {
    code: 'invalid',
    message: `${count} sandboxes are more than one operation may take. Narrow the filter, or go in several steps.`,
  };
}

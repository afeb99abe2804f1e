'use client';

import { clsx } from 'clsx';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { useNow } from '@/components/ui/clock';
import { formatCountdown, formatSpan } from '@/components/ui/duration';
import { Strip } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { Visible } from '@/components/ui/visible-text';
import { type Answer, answerOf } from '@/lib/answer';
import { type Role, roleSuffices } from '@/lib/roles';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { endWake, extendWake } from '@/lib/wake/actions';
import { EXTEND_MINUTES, type WakeState } from '@/lib/wake/schema';
import { useWake } from './use-wake';
import { ENDED_WORDS, Viewers } from './wake-words';

type Props = { sandbox: Sandbox; role: Role };
type Awake = Extract<WakeState, { kind: 'awake' }>;
type Pausing = Extract<WakeState, { kind: 'pausing' }>;

const SOON_MS = 60_000;
/** A difference below this is not reported. */
const SLACK_MS = 30_000;
const NO_ANSWER = 'The server could not be reached. Check the sandbox before you try again.';

/** Shows on every page of a woken sandbox how long it stays awake and who is viewing. */
export function WakeBanner({ sandbox, role }: Props) {
  const wake = useWake(sandbox.key);
  if (wake?.kind === 'awake') return <AwakeBanner wake={wake} sandbox={sandbox} role={role} />;
  if (wake?.kind === 'pausing') return <PausingBanner wake={wake} />;
  const isTaken = wake?.kind === 'ended' && wake.how === 'taken' && sandbox.state === 'running';
  return isTaken ? (
    <Strip label="Wake">
      <strong className="font-semibold">{ENDED_WORDS.taken()}</strong> Sandkeeper will neither pause it nor
      move its deadline.
    </Strip>
  ) : null;
}

function AwakeBanner({ wake, sandbox: { key }, role }: Props & { wake: Awake }) {
  const { endsAtMs, isGuarded, viewers } = wake;
  const leftMs = useNow((serverNowMs) => Math.max(0, endsAtMs - serverNowMs), endsAtMs - SOON_MS);
  const isSoon = leftMs < SOON_MS;
  return (
    <Strip label="Wake" isUrgent={isSoon} actions={<Actions sandboxKey={key} role={role} />}>
      <strong className="font-semibold">Awake</strong>,{' '}
      {isGuarded ? 'pauses again in' : 'Sandkeeper pauses it in'}{' '}
      <span role="timer" className={clsx('tabular-nums', isSoon && 'font-semibold')}>
        {formatCountdown(leftMs)}
      </span>
      . Its processes are running.{' '}
      {isGuarded
        ? null
        : 'Another client resumed it at the same time, so its timeout may kill it. Sandkeeper extends the timeout and pauses it first. '}
      <Viewers viewers={viewers} />
      <span role="status" className="sr-only">
        {isSoon ? 'It pauses in less than a minute.' : ''}
      </span>
    </Strip>
  );
}

function PausingBanner({ wake: { how, by, problem } }: { wake: Pausing }) {
  return (
    <Strip label="Wake">
      <strong className="font-semibold">Pausing…</strong>{' '}
      {how === 'asked' && by !== null ? (
        <>
          Requested by <Visible text={by} />.{' '}
        </>
      ) : null}
      {problem === null ? null : `The last attempt failed. Sandkeeper is retrying. ${problem}`}
    </Strip>
  );
}

function Actions({ sandboxKey, role }: { sandboxKey: SandboxKey; role: Role }) {
  const [isPending, setIsPending] = useState(false);
  const forbidden = roleSuffices(role, 'operator')
    ? null
    : `Requires the operator role. You are signed in as ${role}.`;

  async function request<T>(title: string, call: Promise<Answer<T> | null>, onSuccess: (value: T) => void) {
    setIsPending(true);
    const result = await call;
    setIsPending(false);
    if (result?.ok) onSuccess(result.value);
    else toast.error(title, { description: result?.error.message ?? NO_ANSWER });
  }

  return (
    <>
      <Button
        unavailable={forbidden}
        isBusy={isPending}
        aria-label={`Extend by ${EXTEND_MINUTES} minutes`}
        onClick={() =>
          void request('Could not extend the wake', answerOf(extendWake({ sandboxKey })), showGranted)
        }
      >
        +{EXTEND_MINUTES} min
      </Button>
      <Button
        unavailable={forbidden}
        isBusy={isPending}
        onClick={() =>
          void request('Could not pause the sandbox', answerOf(endWake({ sandboxKey })), () => {})
        }
      >
        Pause now
      </Button>
    </>
  );
}

/** The service shortens an extension without an error. */
function showGranted(grantedMs: number): void {
  if (grantedMs > EXTEND_MINUTES * 60_000 - SLACK_MS) return;
  toast.message(
    grantedMs < SLACK_MS
      ? 'The sandbox has reached its maximum lifetime'
      : `Extended by ${formatSpan(Math.floor(grantedMs / 1_000) * 1_000)}, up to the maximum lifetime`,
  );
}

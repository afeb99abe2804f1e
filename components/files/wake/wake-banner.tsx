'use client';

import { clsx } from 'clsx';
import { type ReactNode, useState } from 'react';
import { toast } from 'sonner';
import { Button } from '@/components/ui/button';
import { useNow } from '@/components/ui/clock';
import { formatCountdown, formatSpan } from '@/components/ui/duration';
import { type Role, roleSuffices } from '@/lib/access/roles';
import type { Result } from '@/lib/result';
import type { Sandbox } from '@/lib/sandbox/schema';
import { endWake, extendWake } from '@/lib/wake/actions';
import { EXTEND_MINUTES, type WakeState } from '@/lib/wake/schema';
import { useWake, wakeClock } from './use-wake';
import { ENDED_WORDS, WhoLooks } from './wake-words';

type Props = { sandbox: Sandbox; role: Role };
type Awake = Extract<WakeState, { kind: 'awake' }>;
type Pausing = Extract<WakeState, { kind: 'pausing' }>;

const SOON_MS = 60_000;
/** Less than this the service has not granted at all. */
const WORTH_SAYING_MS = 30_000;
const NO_ANSWER = 'The server could not be reached. Whether it was done is not known.';

/** Says over the files of a sandbox that it is awake for review, until when and for whom; nothing where it is not. */
export function WakeBanner({ sandbox, role }: Props) {
  const review = useWake(sandbox.id);
  if (review?.kind === 'awake') return <AwakeBanner review={review} sandbox={sandbox} role={role} />;
  if (review?.kind === 'pausing') return <PausingBanner review={review} />;
  const isTaken = review?.kind === 'ended' && review.how === 'taken' && sandbox.state === 'running';
  return isTaken ? (
    <Strip>
      <strong className="font-semibold">The review is over.</strong> {ENDED_WORDS.taken()} You can go on
      reading; Sandkeeper will neither pause it nor move its deadline.
    </Strip>
  ) : null;
}

function AwakeBanner({ review, sandbox: { id }, role }: Props & { review: Awake }) {
  const { endsAtMs, isGuarded, viewers } = review;
  const leftMs = useNow(
    (serverNowMs) => Math.max(0, endsAtMs - serverNowMs),
    endsAtMs - SOON_MS,
    (browserMs) => wakeClock(id).at(browserMs),
  );
  const isSoon = leftMs < SOON_MS;
  return (
    <Strip isSoon={isSoon} acts={<Acts sandboxId={id} role={role} />}>
      <strong className="font-semibold">Awake for review</strong>,{' '}
      {isGuarded ? 'pauses again in' : 'is paused again in'}{' '}
      <span role="timer" className={clsx('tabular-nums', isSoon && 'font-semibold')}>
        {formatCountdown(leftMs)}
      </span>
      . Its processes are running meanwhile.{' '}
      {isGuarded
        ? null
        : 'Another client started it in the same moment, so its own time-out may kill it; Sandkeeper puts that off and pauses it before. '}
      <WhoLooks viewers={viewers} />
      <span role="status" className="sr-only">
        {isSoon ? 'It pauses again in less than a minute.' : ''}
      </span>
    </Strip>
  );
}

function PausingBanner({ review: { how, by, problem } }: { review: Pausing }) {
  return (
    <Strip>
      <strong className="font-semibold">Pausing again…</strong>{' '}
      {how === 'asked' && by !== null ? (
        <>
          <bdi>{by}</bdi> asked for it.{' '}
        </>
      ) : null}
      {problem === null ? null : `It has not worked yet, and is tried again. ${problem}`}
    </Strip>
  );
}

function Acts({ sandboxId, role }: { sandboxId: string; role: Role }) {
  const [isAsking, setIsAsking] = useState(false);
  const forbidden = roleSuffices(role, 'operator')
    ? undefined
    : `This needs the role operator; you are signed in as ${role}.`;

  async function ask<T>(title: string, call: Promise<Result<T>>, tell: (value: T) => void) {
    setIsAsking(true);
    const result = await call.catch(() => null);
    setIsAsking(false);
    if (result?.ok) tell(result.value);
    else toast.error(title, { description: result?.error.message ?? NO_ANSWER });
  }

  return (
    <>
      <Button
        disabled={isAsking || forbidden !== undefined}
        title={forbidden}
        aria-label={`Extend the review by ${EXTEND_MINUTES} minutes`}
        onClick={() => void ask('The review was not extended', extendWake({ sandboxId }), sayGranted)}
      >
        +{EXTEND_MINUTES} min
      </Button>
      <Button
        disabled={isAsking || forbidden !== undefined}
        title={forbidden}
        onClick={() => void ask('It is not paused again', endWake({ sandboxId }), () => {})}
      >
        Pause again now
      </Button>
    </>
  );
}

/** The service shortens what it is asked for without saying so. */
function sayGranted(grantedMs: number): void {
  if (grantedMs > EXTEND_MINUTES * 60_000 - WORTH_SAYING_MS) return;
  toast.message(
    grantedMs < WORTH_SAYING_MS
      ? 'The service grants no more time for this run'
      : `The service granted ${formatSpan(Math.floor(grantedMs / 1_000) * 1_000)} more, its maximum`,
  );
}

type StripProps = { isSoon?: boolean; acts?: ReactNode; children: ReactNode };

function Strip({ isSoon = false, acts, children }: StripProps) {
  return (
    <section
      aria-label="Review"
      className={clsx(
        'flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-b bg-paused-soft px-5 py-2',
        isSoon && 'shadow-[inset_3px_0_0_var(--paused)]',
      )}
    >
      <span aria-hidden className="size-2 shrink-0 rounded-full bg-paused" />
      <p className="min-w-0 flex-1">{children}</p>
      {acts === undefined ? null : <div className="flex shrink-0 items-center gap-2">{acts}</div>}
    </section>
  );
}

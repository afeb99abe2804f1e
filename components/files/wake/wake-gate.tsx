'use client';

import { type FormEvent, useId, useState } from 'react';
import { toast } from 'sonner';
import { Button } from '@/components/ui/button';
import { LocalTime } from '@/components/ui/local-time';
import { Notice } from '@/components/ui/notice';
import { type Role, roleSuffices } from '@/lib/access/roles';
import type { Result } from '@/lib/result';
import type { Sandbox } from '@/lib/sandbox/schema';
import { startWake } from '@/lib/wake/actions';
import { REVIEW_MINUTES, type WakeMinutes, type WakeResult, type WakeState } from '@/lib/wake/schema';
import { useWake } from './use-wake';
import { ENDED_WORDS } from './wake-words';

type Props = { sandbox: Sandbox; role: Role };

/** Stands in the place of a paused sandbox's files: says what reading them takes, and wakes it when told to. */
export function WakeGate({ sandbox, role }: Props) {
  const review = useWake(sandbox.id);
  return (
    <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-5 py-[8vh]">
      <Notice level="h2" title="Its files cannot be read while it is paused" className="w-full">
        <LastWake review={review} />
        <p className="mb-2">If you wake it for review:</p>
        <ul className="mb-4 flex list-disc flex-col gap-1 pl-4 marker:text-ink-3">
          <li>
            <strong className="font-medium text-ink">Its processes run again meanwhile</strong>, from where
            they were stopped: they may change files, use the network and spend money.
          </li>
          <li>
            <strong className="font-medium text-ink">It uses a slot of the quota</strong> of running sandboxes
            until it is paused again.
          </li>
          <li>
            <strong className="font-medium text-ink">
              From then on its time-out pauses it instead of killing it
            </strong>
            , also after this review: the service cannot change that back.
          </li>
        </ul>
        <p className="mb-4">
          It is paused again when the time is up, when the last one who looks leaves, or when somebody says
          so.
        </p>
        <WakeForm sandbox={sandbox} role={role} review={review} />
      </Notice>
    </div>
  );
}

/** How the last review of it ended, where that is not long ago. */
function LastWake({ review }: { review: WakeState | null }) {
  if (review?.kind !== 'ended') return null;
  const { how, by, atMs, note } = review;
  return (
    <p className="mt-2 mb-4 w-full rounded-md border border-line bg-surface px-3 py-2">
      {ENDED_WORDS[how](<bdi>{by ?? 'somebody'}</bdi>)}{' '}
      <span className="text-ink-3">
        <LocalTime ms={atMs} />
      </span>
      {note === null ? null : <span className="block">{note}</span>}
    </p>
  );
}

type FormProps = Props & { review: WakeState | null };

function WakeForm({ sandbox, role, review }: FormProps) {
  const [minutes, setMinutes] = useState<WakeMinutes>(15);
  const [isAsking, setIsAsking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const name = useId();
  const underWay = sayUnderWay(review, isAsking);
  const forbidden = roleSuffices(role, 'operator')
    ? null
    : `This needs the role operator; you are signed in as ${role}.`;

  async function wake(event: FormEvent) {
    event.preventDefault();
    if (underWay !== null || forbidden !== null) return;
    setIsAsking(true);
    setProblem(null);
    setProblem(sayResult(await startWake({ sandboxId: sandbox.id, minutes }).catch(() => null)));
    setIsAsking(false);
  }

  return (
    <form onSubmit={wake} className="flex flex-col items-start gap-3">
      <fieldset disabled={underWay !== null || forbidden !== null} className="flex items-center gap-2">
        <legend className="sr-only">For how long</legend>
        <span aria-hidden>For</span>
        <span className="inline-flex overflow-hidden rounded-md border border-line bg-surface has-focus-visible:ring-2 has-focus-visible:ring-accent/40">
          {REVIEW_MINUTES.map((choice) => (
            <label
              key={choice}
              className="cursor-pointer border-line border-l px-3 py-1.5 leading-4 first:border-l-0 hover:bg-hover has-checked:bg-selected has-disabled:cursor-default has-checked:font-medium has-checked:text-accent has-disabled:opacity-60"
            >
              <input
                type="radio"
                name={name}
                value={choice}
                checked={minutes === choice}
                onChange={() => setMinutes(choice)}
                className="sr-only"
              />
              {choice} min
            </label>
          ))}
        </span>
        <Button
          tone="primary"
          type="submit"
          disabled={underWay !== null || forbidden !== null}
          title={forbidden ?? undefined}
        >
          Wake for review
        </Button>
      </fieldset>
      {forbidden === null ? null : <p>{forbidden}</p>}
      <p role="status" className="empty:hidden">
        {underWay}
      </p>
      {problem === null ? null : (
        <p role="alert" className="text-danger">
          {problem}
        </p>
      )}
    </form>
  );
}

/** What is being done with it at this moment, or `null`. */
function sayUnderWay(review: WakeState | null, isAsking: boolean): string | null {
  if (review?.kind === 'pausing') return 'It is being paused again…';
  if (review?.kind === 'waking') {
    const waking = `${isAsking ? 'It' : `For ${review.by}, it`} is being woken…`;
    return review.problem === null ? waking : `Whether it woke is being looked into. ${review.problem}`;
  }
  return isAsking ? 'It is being woken…' : null;
}

/** What went wrong, or `null`. */
function sayResult(result: Result<WakeResult> | null): string | null {
  if (result === null) return 'The server could not be reached. Whether it was woken is not known.';
  if (!result.ok) return result.error.message;
  if (result.value === 'running')
    toast.message('Somebody else has woken it', {
      description: 'You can read its files. Sandkeeper will neither pause it nor move its deadline.',
    });
  return null;
}

import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import { type Counts, type Outcome, totalsOf } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';

const COMMON = {
  waiting: 'Waiting',
  sending: 'In flight',
  skipped: 'Left alone',
  cancelled: 'Stopped',
  denied: 'Denied',
  failed: 'Failed',
  unknown: 'Not known',
} satisfies Omit<Record<Outcome, string>, 'done' | 'already'>;

/** What has become of a sandbox, as the beginning of a line. */
const OUTCOME_WORDS = {
  kill: { ...COMMON, done: 'Gone, verified', already: 'Already gone' },
  pause: { ...COMMON, done: 'Paused', already: 'Already paused' },
  resume: { ...COMMON, done: 'Resumed', already: 'Already running' },
  setTimeout: { ...COMMON, done: 'Set', already: 'Already set' },
  run: {
    ...COMMON,
    sending: 'Running',
    done: 'Ended',
    already: 'Already ended',
    failed: 'Not started',
    unknown: 'Cut off',
  },
} satisfies Record<SandboxAct, Record<Outcome, string>>;

/** In the order in which they stand in a bar: what is over comes first, what is still to be done last. */
const ORDER = [
  'done',
  'already',
  'skipped',
  'cancelled',
  'denied',
  'failed',
  'unknown',
  'sending',
  'waiting',
] as const satisfies readonly Outcome[];

type Look = { dot: string; bar: string; text: string };

const QUIET: Look = { dot: 'bg-ink-3', bar: 'bg-ink-3', text: '' };
const FAILED: Look = { dot: 'bg-ink', bar: 'bg-ink', text: 'font-medium text-ink' };
const LOOKS = {
  done: { dot: 'bg-running', bar: 'bg-running', text: '' },
  already: QUIET,
  skipped: { dot: 'border border-ink-3', bar: 'bg-ink-3/50', text: '' },
  cancelled: { dot: 'border border-ink-3', bar: 'bg-ink-3/50', text: '' },
  denied: FAILED,
  failed: FAILED,
  unknown: { dot: 'hatched', bar: 'hatched', text: 'font-medium text-ink' },
  sending: { dot: 'bg-paused animate-pulse', bar: 'bg-paused', text: '' },
  waiting: { dot: 'border border-ink-3', bar: 'bg-line', text: '' },
} satisfies Record<Outcome, Look>;

/** Red is for the failure of a kill alone. */
const KILL_FAILED: Look = { dot: 'bg-danger', bar: 'bg-danger', text: 'font-medium text-danger' };

function lookOf(act: SandboxAct, outcome: Outcome): Look {
  return act === 'kill' && LOOKS[outcome] === FAILED ? KILL_FAILED : LOOKS[outcome];
}

/** What has become of one sandbox, in a dot and words. */
export function OutcomeBadge({ act, outcome }: { act: SandboxAct; outcome: Outcome }) {
  return (
    <span className="whitespace-nowrap">
      <span
        aria-hidden
        className={clsx('mr-2 inline-block size-2 rounded-full align-[1px]', lookOf(act, outcome).dot)}
      />
      {OUTCOME_WORDS[act][outcome]}
    </span>
  );
}

type CountsProps = { act: SandboxAct; counts: Counts; className?: string };

/** How far an operation is and how it goes: a segment for each outcome, none too small to be seen. */
export function OutcomeBar({ act, counts, className }: CountsProps) {
  const { total, final } = totalsOf(counts);
  return (
    <div
      role="progressbar"
      aria-label="Sandboxes worked off"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={final}
      aria-valuetext={countsText(act, counts)}
      className={clsx('flex h-2 gap-px overflow-hidden rounded-full bg-line', className)}
    >
      {ORDER.filter((outcome) => counts[outcome] > 0).map((outcome) => (
        <span
          key={outcome}
          className={clsx('min-w-[3px] basis-0 transition-[flex-grow]', lookOf(act, outcome).bar)}
          style={{ flexGrow: counts[outcome] }}
        />
      ))}
    </div>
  );
}

type Picking = { picked: Outcome | null; onPick: (outcome: Outcome | null) => void };

/**
 * How many sandboxes have each outcome, in one line of words; `children` follow them. With `picking`, a click picks the
 * outcome to look at, and another one lets go of it.
 */
export function OutcomeCounts({
  act,
  counts,
  picking,
  className,
  children,
}: CountsProps & { picking?: Picking; children?: ReactNode }) {
  return (
    <p className={clsx('flex flex-wrap gap-x-4 text-ink-2', className)}>
      {ORDER.filter((outcome) => counts[outcome] > 0 || picking?.picked === outcome).map((outcome) => {
        const look = clsx('whitespace-nowrap', lookOf(act, outcome).text);
        const words = (
          <>
            <span className={clsx(outcome === 'done' && 'font-semibold text-ink')}>{counts[outcome]}</span>{' '}
            {lowerFirst(OUTCOME_WORDS[act][outcome])}
          </>
        );
        if (!picking) {
          return (
            <span key={outcome} className={look}>
              {words}
            </span>
          );
        }
        const isPicked = picking.picked === outcome;
        return (
          <button
            key={outcome}
            type="button"
            aria-pressed={isPicked}
            onClick={() => picking.onPick(isPicked ? null : outcome)}
            className={clsx(
              look,
              '-mx-1.5 rounded-sm px-1.5 decoration-line underline-offset-4 hover:bg-hover aria-pressed:bg-selected aria-pressed:underline aria-pressed:decoration-accent',
            )}
          >
            {words}
          </button>
        );
      })}
      {children}
    </p>
  );
}

/** How many sandboxes have each outcome, as `107 gone, verified; 2 failed`. */
export function countsText(act: SandboxAct, counts: Counts): string {
  const parts = ORDER.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => `${counts[outcome]} ${lowerFirst(OUTCOME_WORDS[act][outcome])}`,
  );
  return parts.length === 0 ? 'Nothing to do' : parts.join('; ');
}

/** How many sandboxes, as people say it: `1 sandbox`, `37 sandboxes`. */
export function sandboxCount(count: number): string {
  return count === 1 ? '1 sandbox' : `${count} sandboxes`;
}

const WISHES = {
  kill: 'Kill',
  pause: 'Pause',
  resume: 'Resume',
  setTimeout: 'Set time left of',
  run: 'Run a command in',
} satisfies Record<SandboxAct, string>;

const UNDER_WAY = {
  kill: 'Killing',
  pause: 'Pausing',
  resume: 'Resuming',
  setTimeout: 'Setting time left of',
  run: 'Running a command in',
} satisfies Record<SandboxAct, string>;

/** What an operation is called: `Kill 37 sandboxes`. */
export function operationTitle(act: SandboxAct, counts: Counts): string {
  return `${WISHES[act]} ${sandboxCount(totalsOf(counts).total)}`;
}

/** What an operation is doing: `Killing 37 sandboxes`. */
export function underWayTitle(act: SandboxAct, counts: Counts): string {
  return `${UNDER_WAY[act]} ${sandboxCount(totalsOf(counts).total)}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

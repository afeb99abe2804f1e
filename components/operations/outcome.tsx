import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import { type Counts, type Outcome, totalsOf } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';

const COMMON = {
  waiting: 'Waiting',
  sending: 'In progress',
  partial: 'Partly done',
  skipped: 'Skipped',
  cancelled: 'Cancelled',
  denied: 'Denied',
  failed: 'Failed',
  unknown: 'Unknown',
} satisfies Omit<Record<Outcome, string>, 'done' | 'already'>;

const OUTCOME_WORDS = {
  kill: { ...COMMON, done: 'Killed, verified', already: 'Already gone' },
  pause: { ...COMMON, done: 'Paused', already: 'Already paused' },
  resume: { ...COMMON, done: 'Resumed', already: 'Already running', partial: 'Resumed for less time' },
  setTimeout: { ...COMMON, done: 'Updated', already: 'Already set', partial: 'Set to less' },
  run: {
    ...COMMON,
    sending: 'Running',
    done: 'Ended',
    already: 'Already ended',
    partial: 'Ended with an error',
    failed: 'Not started',
  },
} satisfies Record<SandboxAct, Record<Outcome, string>>;

/** The order in a bar: final outcomes first. */
const ORDER = [
  'done',
  'already',
  'partial',
  'skipped',
  'cancelled',
  'denied',
  'failed',
  'unknown',
  'sending',
  'waiting',
] as const satisfies readonly Outcome[];

type Style = { dot: string; bar: string; text: string };

const QUIET: Style = { dot: 'bg-ink-3', bar: 'bg-ink-3', text: '' };
const FAILED: Style = { dot: 'bg-ink', bar: 'bg-ink', text: 'font-medium text-ink' };
const STYLES = {
  done: { dot: 'bg-running', bar: 'bg-running', text: '' },
  already: QUIET,
  // Not green: it is not what was asked for.
  partial: { dot: 'border-2 border-ink', bar: 'bg-ink-2', text: 'font-medium text-ink' },
  skipped: { dot: 'border border-ink-3', bar: 'bg-ink-3/50', text: '' },
  cancelled: { dot: 'border border-ink-3', bar: 'bg-ink-3/50', text: '' },
  denied: FAILED,
  failed: FAILED,
  unknown: { dot: 'hatched', bar: 'hatched', text: 'font-medium text-ink' },
  sending: { dot: 'bg-running animate-pulse', bar: 'bg-running/50 animate-pulse', text: '' },
  waiting: { dot: 'border border-ink-3', bar: 'bg-line', text: '' },
} satisfies Record<Outcome, Style>;

/** Only a failed kill is red. */
const KILL_FAILED: Style = { dot: 'bg-danger', bar: 'bg-danger', text: 'font-medium text-danger' };

/** The colour of the state that a pause leads to. */
const PAUSED: Style = { dot: 'bg-paused', bar: 'bg-paused', text: '' };

function styleOf(act: SandboxAct, outcome: Outcome): Style {
  if (act === 'pause' && outcome === 'done') return PAUSED;
  return act === 'kill' && STYLES[outcome] === FAILED ? KILL_FAILED : STYLES[outcome];
}

export function OutcomeBadge({ act, outcome }: { act: SandboxAct; outcome: Outcome }) {
  return (
    <span className="whitespace-nowrap">
      <span
        aria-hidden
        className={clsx('mr-2 inline-block size-2 rounded-full align-[1px]', styleOf(act, outcome).dot)}
      />
      {OUTCOME_WORDS[act][outcome]}
    </span>
  );
}

type CountsProps = { act: SandboxAct; counts: Counts; className?: string };

export function OutcomeBar({ act, counts, className }: CountsProps) {
  const { total, final } = totalsOf(counts);
  return (
    <div
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={final}
      aria-valuetext={countsText(act, counts)}
      className={clsx('flex h-2 gap-px overflow-hidden rounded-full bg-line', className)}
    >
      {ORDER.filter((outcome) => counts[outcome] > 0).map((outcome) => (
        <span
          key={outcome}
          className={clsx('min-w-[3px] basis-0 transition-[flex-grow]', styleOf(act, outcome).bar)}
          style={{ flexGrow: counts[outcome] }}
        />
      ))}
    </div>
  );
}

type Picking = { picked: Outcome | null; onPick: (outcome: Outcome | null) => void };

/** The number of sandboxes per outcome, followed by `children`. With `picking`, a click toggles an outcome filter. */
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
        const style = clsx('whitespace-nowrap', styleOf(act, outcome).text);
        const words = (
          <>
            <span className={clsx(outcome === 'done' && 'font-semibold text-ink')}>{counts[outcome]}</span>{' '}
            {lowerFirst(OUTCOME_WORDS[act][outcome])}
          </>
        );
        if (!picking) {
          return (
            <span key={outcome} className={style}>
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
              style,
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

/** The number of sandboxes per outcome: `107 killed, verified; 2 failed`. */
export function countsText(act: SandboxAct, counts: Counts): string {
  const parts = ORDER.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => `${counts[outcome]} ${lowerFirst(OUTCOME_WORDS[act][outcome])}`,
  );
  return parts.length === 0 ? 'Nothing to do' : parts.join('; ');
}

/** `1 sandbox`, `37 sandboxes`. */
export function sandboxCount(count: number): string {
  return count === 1 ? '1 sandbox' : `${count} sandboxes`;
}

const TITLES = {
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

/** The name of an operation: `Kill 37 sandboxes`. */
export function operationTitle(act: SandboxAct, counts: Counts): string {
  return `${TITLES[act]} ${sandboxCount(totalsOf(counts).total)}`;
}

/** The name of a running operation: `Killing 37 sandboxes`. */
export function underWayTitle(act: SandboxAct, counts: Counts): string {
  return `${UNDER_WAY[act]} ${sandboxCount(totalsOf(counts).total)}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

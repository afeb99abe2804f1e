import { clsx } from 'clsx';
import type { CommandEnding, CommandRecord } from '@/lib/commands/schema';
import { endingLabel } from '@/lib/commands/words';
import type { Outcome } from '@/lib/operations/schema';

type Props = Pick<CommandRecord, 'exitCode' | 'signal'> & {
  ending: CommandEnding | null;
  outcome: Outcome;
  /** Whether it wrote to stderr: then an exit code of 0 is not shown as a success. */
  hasStderr: boolean;
  className?: string;
};

const OUTCOMES = {
  waiting: 'waiting',
  sending: 'running',
  done: 'ended',
  already: 'ended',
  partial: 'ended with an error',
  skipped: 'skipped',
  cancelled: 'cancelled',
  denied: 'denied',
  failed: 'not started',
  unknown: 'unknown',
} satisfies Record<Outcome, string>;

export function CommandBadge({ ending, exitCode, signal, outcome, hasStderr, className }: Props) {
  const isZero = (ending === 'exited' || ending === 'held') && exitCode === 0;
  // Somebody should look at what else it wrote, or still writes.
  const isFine = isZero && !hasStderr && ending === 'exited';
  const isRunning = outcome === 'sending' || outcome === 'waiting';
  const text = ending === null ? OUTCOMES[outcome] : endingLabel({ ending, exitCode, signal });
  return (
    <span className={clsx('whitespace-nowrap', !isZero && !isRunning && 'font-medium', className)}>
      <span
        aria-hidden
        className={clsx(
          'mr-2 inline-block size-2 rounded-full align-[1px]',
          outcome === 'waiting' && ending === null
            ? 'border border-ink-3'
            : isRunning
              ? 'animate-pulse bg-running'
              : isFine
                ? 'bg-running'
                : isZero
                  ? 'border-2 border-ink-2'
                  : ending === 'lost'
                    ? 'hatched'
                    : 'bg-ink',
        )}
      />
      {text}
      {isZero && hasStderr ? <span className="text-ink-2">, with stderr</span> : null}
    </span>
  );
}

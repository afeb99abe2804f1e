import type { SandkeeperError } from '../errors';
import type { Outcome } from '../operations/schema';
import type { CommandEnding, CommandRecord } from './schema';

type Ended = Pick<CommandRecord, 'exitCode' | 'signal'> & { ending: CommandEnding };
type Result = { outcome: Exclude<Outcome, 'waiting' | 'sending'>; message: string };

const RESULTS = {
  exited: ({ exitCode }) => ({
    outcome: exitCode === 0 ? 'done' : 'partial',
    message: `Exit code ${exitCode ?? 'unknown'}.`,
  }),
  held: ({ exitCode }) => ({
    outcome: exitCode === 0 ? 'done' : 'partial',
    message: `Exit code ${exitCode ?? 'unknown'}. Output is still held open by a background process.`,
  }),
  signalled: ({ signal }) => ({
    outcome: 'partial',
    message: signal === null ? 'It was ended by a signal.' : `It was ended by a signal: ${signal}.`,
  }),
  limit: () => ({
    outcome: 'unknown',
    message: 'It was killed at its time limit. Background processes that it started may still run.',
  }),
  stopped: () => ({
    outcome: 'cancelled',
    message: 'It was killed (SIGKILL). Background processes that it started may still run.',
  }),
  lost: (_, failure) => ({ outcome: 'unknown', message: lostMessage(failure) }),
  refused: () => ({ outcome: 'failed', message: 'It was not started.' }),
} satisfies Record<CommandEnding, (run: Ended, failure: SandkeeperError | null) => Result>;

/** The outcome of an ended command. One that ended with an error is not a success, but no retry repeats it. */
export function commandResult(run: Ended, failure: SandkeeperError | null = null): Result {
  return RESULTS[run.ending](run, failure);
}

function lostMessage(failure: SandkeeperError | null): string {
  if (failure?.code === 'not_found') return 'The sandbox was terminated while the command ran.';
  if (failure?.code === 'conflict')
    return 'The sandbox was paused or stopped while the command ran, and its end is not known.';
  return 'The connection was lost. The command may or may not have run. It is not sent again.';
}

/** How a command ended, short enough for a badge: `exit 0`, `timed out`. */
export function endingLabel({ ending, exitCode, signal }: Ended): string {
  return SHORT[ending]({ ending, exitCode, signal });
}

/** The number of sandboxes in which a command ended with this error. */
export type ErrorEnd = Ended & { count: number };

const MAX_ENDS = 3;

/** `exit 3` for one sandbox, otherwise `exit 3 in 2, exit 127 in 1`. `total`: the sandboxes of the operation. */
export function describeErrorEnds(ends: readonly ErrorEnd[], total: number): string {
  const [only] = ends;
  if (total === 1 && only) return endingLabel(only);
  const named = ends.slice(0, MAX_ENDS).map((end) => `${endingLabel(end)} in ${end.count}`);
  const rest = ends.slice(MAX_ENDS).reduce((sum, { count }) => sum + count, 0);
  return [...named, ...(rest === 0 ? [] : [`another end in ${rest}`])].join(', ');
}

const SHORT = {
  exited: ({ exitCode }) => `exit ${exitCode ?? '?'}`,
  held: ({ exitCode }) => `exit ${exitCode ?? '?'}`,
  signalled: ({ signal }) => (signal === null ? 'ended by a signal' : `signal: ${signal}`),
  limit: () => 'timed out',
  stopped: () => 'stopped',
  lost: () => 'unknown',
  refused: () => 'not started',
} satisfies Record<CommandEnding, (run: Ended) => string>;

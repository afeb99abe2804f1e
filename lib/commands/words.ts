import type { SandkeeperError } from '../errors';
import type { Outcome } from '../operations/schema';
import type { CommandEnding, CommandRecord } from './schema';

type Ended = Pick<CommandRecord, 'exitCode' | 'signal'> & { ending: CommandEnding };
type Result = { outcome: Exclude<Outcome, 'waiting' | 'sending'>; message: string };

const RESULTS = {
  exited: ({ exitCode }) => ({ outcome: 'done', message: `Exit code ${exitCode ?? 'not known'}.` }),
  signalled: ({ signal }) => ({
    outcome: 'done',
    message: signal === null ? 'A signal ended it.' : `A signal ended it: ${signal}.`,
  }),
  limit: () => ({
    outcome: 'unknown',
    message: 'Its time limit was reached, and it was killed. What it had started beside it may go on.',
  }),
  stopped: () => ({
    outcome: 'cancelled',
    message: 'It was running and was killed (SIGKILL). What it had started beside it may go on.',
  }),
  lost: (_, failure) => ({ outcome: 'unknown', message: lostWords(failure) }),
  refused: () => ({ outcome: 'failed', message: 'It was not started.' }),
} satisfies Record<CommandEnding, (run: Ended, failure: SandkeeperError | null) => Result>;

/** What is true of a sandbox after a command has ended so. The exit code is a result, not a failure. */
export function commandResult(run: Ended, failure: SandkeeperError | null = null): Result {
  return RESULTS[run.ending](run, failure);
}

function lostWords(failure: SandkeeperError | null): string {
  if (failure?.code === 'not_found') return 'The sandbox was terminated while it ran.';
  if (failure?.code === 'conflict')
    return 'The sandbox stopped running while it ran. If it was paused, the command goes on when it is resumed.';
  return 'The connection broke off. Whether it was started or has ended is not known; it is not sent again.';
}

/** How a command ended, in as few words as fit into a badge: `exit 0`, `killed at its limit`. */
export function endingWords({ ending, exitCode, signal }: Ended): string {
  return SHORT[ending]({ ending, exitCode, signal });
}

const SHORT = {
  exited: ({ exitCode }) => `exit ${exitCode ?? '?'}`,
  signalled: ({ signal }) => (signal === null ? 'ended by a signal' : `signal: ${signal}`),
  limit: () => 'killed at its limit',
  stopped: () => 'stopped, killed',
  lost: () => 'not known',
  refused: () => 'not started',
} satisfies Record<CommandEnding, (run: Ended) => string>;

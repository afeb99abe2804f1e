import type { Sandbox } from '../../sandbox/schema';
import type { Outcome } from '../schema';

/** What is true of one sandbox after one act. `sandbox` is the last reading, `null` when that found it gone. */
export type StepResult = {
  outcome: Exclude<Outcome, 'waiting' | 'sending'>;
  message: string | null;
  sandbox?: Sandbox | null;
};

/** Thrown instead of sending: the operation was cancelled, or this process is stopping. */
export class StepStopped extends Error {
  override readonly name = 'StepStopped';
}

import type { Sandbox } from '../../sandbox/schema';
import type { Outcome } from '../schema';

/** The result of an action on one sandbox. `sandbox` is the last reading; `null`: it is gone. */
export type StepResult = {
  outcome: Exclude<Outcome, 'waiting' | 'sending'>;
  message: string | null;
  sandbox?: Sandbox | null;
};

/** Thrown instead of sending if the operation was cancelled or this process is stopping. */
export class StepStopped extends Error {
  override readonly name: string = 'StepStopped';
}

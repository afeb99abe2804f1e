import type { SandboxState } from '../sandbox/schema';

/** Types of a wake. A paused sandbox has no readable files, so it is woken under a lease that ends in a pause. */

/** Lengths to choose from. */
export const WAKE_MINUTES = [5, 15, 60] as const;
export type WakeMinutes = (typeof WAKE_MINUTES)[number];

export const EXTEND_MINUTES = 15;

/** `waking`: the resume was sent. `pausing`: the wake is ending. `ended` leases are kept for a while to report the outcome. */
export const LEASE_STATES = ['waking', 'awake', 'pausing', 'ended'] as const;
export type LeaseState = (typeof LEASE_STATES)[number];

/**
 * How a wake ended. Stored in the database.
 *
 * - Ended by Sandkeeper: `asked` (somebody ended it), `left` (the last viewer left), `time` (its time was up), `finished`
 *   (Sandkeeper's own task was done).
 * - Ended elsewhere: `elsewhere` (paused early), `taken` (resumed by somebody else, and left alone), `gone` (terminated),
 *   `unwoken` (it never woke).
 */
export const WAKE_ENDS = [
  'asked',
  'left',
  'time',
  'finished',
  'elsewhere',
  'taken',
  'gone',
  'unwoken',
] as const;
export type WakeEnd = (typeof WAKE_ENDS)[number];

const PAUSED_BY_US = {
  asked: true,
  left: true,
  time: true,
  finished: true,
  elsewhere: false,
  taken: false,
  gone: false,
  unwoken: false,
} satisfies Record<WakeEnd, boolean>;

/** Whether Sandkeeper ended the wake by pausing the sandbox. */
export function endsInPause(how: WakeEnd): boolean {
  return PAUSED_BY_US[how];
}

export type WakeEnding = {
  how: WakeEnd;
  /** `null`: Sandkeeper itself, or somebody outside it. */
  by: string | null;
  /** The id of that person. */
  byId: string | null;
  atMs: number;
  /** For display, such as a failure that the service reported. */
  note: string | null;
};

export type WakeViewer = { actor: string; isYou: boolean };

/** The state of a wake as sent to one viewer. */
export type WakeState =
  | { kind: 'none' }
  /** `problem`: why Sandkeeper does not know yet whether the sandbox is awake. */
  | { kind: 'waking'; by: string; problem: string | null }
  | {
      kind: 'awake';
      by: string;
      endsAtMs: number;
      /**
       * Whether its timeout is sure to pause it. If not, another client resumed it at the same moment: Sandkeeper extends
       * its deadline and pauses it itself.
       */
      isGuarded: boolean;
      viewers: WakeViewer[];
    }
  /** `problem`: why the last attempt failed. It is retried. */
  | { kind: 'pausing'; how: WakeEnd; by: string | null; problem: string | null }
  | ({ kind: 'ended' } & WakeEnding);

/** An event of the `wake` channel. `sentAtMs` is on the server's clock. */
export type WakeEvent = { state: WakeState; sentAtMs: number };

/** `running`: the sandbox runs for somebody else, and was left alone. */
export type WakeResult = 'woken' | 'joined' | 'running';

/** Parses a stored state. An unknown state counts as `ended`. */
export function parseLeaseState(text: string): LeaseState {
  return LEASE_STATES.find((state) => state === text) ?? 'ended';
}

const READABLE = { none: false, waking: false, awake: true, pausing: false, ended: false } satisfies Record<
  WakeState['kind'],
  boolean
>;

/** Whether the sandbox must be woken to read its files. The wake knows its state before the fleet does. */
export function needsWaking(state: SandboxState, wake: WakeState | null): boolean {
  return state === 'paused' && !(wake !== null && READABLE[wake.kind]);
}

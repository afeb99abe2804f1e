import type { SandboxState } from '../sandbox/schema';

/**
 * The review of a paused sandbox: its files can only be read while it runs, so somebody wakes it for a while, under a
 * lease that ends in a pause (docs/protocol.md#waking-a-paused-sandbox). Runs anywhere.
 */

/** For how long a sandbox may be woken, in minutes. */
export const REVIEW_MINUTES = [5, 15, 60] as const;
export type WakeMinutes = (typeof REVIEW_MINUTES)[number];

/** By how much a review is extended at a time, in minutes. */
export const EXTEND_MINUTES = 15;

/**
 * How far a review has come. `waking`: the service has been asked; `pausing`: it is to end now; `ended`: kept for a
 * while, so that whoever looks in learns how.
 */
export const LEASE_STATES = ['waking', 'awake', 'pausing', 'ended'] as const;
export type LeaseState = (typeof LEASE_STATES)[number];

/**
 * How a review ended.
 *
 * - `asked`: somebody said "pause again now"; `left`: nobody was looking any more; `time`: its time was up;
 *   `finished`: what Sandkeeper itself had woken it for was done.
 * - `elsewhere`: it was found paused before that; `taken`: somebody else runs it now, so it was left alone;
 *   `gone`: it was terminated; `unwoken`: it never woke.
 */
export const REVIEW_ENDS = [
  'asked',
  'left',
  'time',
  'finished',
  'elsewhere',
  'taken',
  'gone',
  'unwoken',
] as const;
export type WakeEnd = (typeof REVIEW_ENDS)[number];

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

/** Whether a review that ended so ended in our pause. */
export function endsInPause(how: WakeEnd): boolean {
  return PAUSED_BY_US[how];
}

export type WakeEnding = {
  how: WakeEnd;
  /** Who ended it; `null`: Sandkeeper by itself, or somebody elsewhere. */
  by: string | null;
  atMs: number;
  /** For people: what else is true, as when the service reported a failure. */
  note: string | null;
};

/** One of those who look. */
export type WakeViewer = { actor: string; isYou: boolean };

/** How the review of a sandbox stands, as one who looks is told. */
export type WakeState =
  | { kind: 'none' }
  /** `problem`: what keeps it from being known whether it is awake. */
  | { kind: 'waking'; by: string; problem: string | null }
  | {
      kind: 'awake';
      by: string;
      endsAtMs: number;
      /**
       * Whether its time-out pauses it for certain. If not, another client started it in the same moment: Sandkeeper
       * keeps its deadline away and pauses it itself.
       */
      isGuarded: boolean;
      viewers: WakeViewer[];
    }
  /** `problem`: what went wrong with the last attempt; it is tried again. */
  | { kind: 'pausing'; how: WakeEnd; by: string | null; problem: string | null }
  | ({ kind: 'ended' } & WakeEnding);

/** What the channel `review` tells. `sentAtMs`: by the server's clock, which the browser's may not agree with. */
export type WakeEvent = { state: WakeState; sentAtMs: number };

/** What waking came to. `running`: somebody else runs it, so it can be read as it is and is left alone. */
export type WakeResult = 'woken' | 'joined' | 'running';

/** The state in `text`; what this version does not know is over, as far as it is concerned. */
export function parseLeaseState(text: string): LeaseState {
  return LEASE_STATES.find((state) => state === text) ?? 'ended';
}

const READABLE = { none: false, waking: false, awake: true, pausing: false, ended: false } satisfies Record<
  WakeState['kind'],
  boolean
>;

/** Whether the files of a sandbox can only be read after waking it. The review hears of that before the fleet does. */
export function waitsForWaking(state: SandboxState, review: WakeState | null): boolean {
  return state === 'paused' && !(review !== null && READABLE[review.kind]);
}

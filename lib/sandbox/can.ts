import type { SandboxState } from './schema';

/** The acts that change one sandbox. */
export const SANDBOX_ACTS = ['kill', 'pause', 'resume', 'setTimeout'] as const;
export type SandboxAct = (typeof SANDBOX_ACTS)[number];

/** `null` when the state allows the act, otherwise the reason a person reads. */
type Verdict = string | null;

const UNKNOWN_STATE = 'Its state is not one this version knows.';

/** State × act, from the state matrix of protocol §1.2. A state added to the schema breaks the build here. */
const RULES = {
  running: {
    kill: null,
    pause: null,
    resume: 'It is already running.',
    setTimeout: null,
  },
  paused: {
    kill: null,
    pause: 'It is already paused.',
    resume: null,
    setTimeout: 'A paused sandbox has no deadline. Resume it first.',
  },
  unknown: {
    kill: null,
    pause: UNKNOWN_STATE,
    resume: UNKNOWN_STATE,
    setTimeout: UNKNOWN_STATE,
  },
} satisfies Record<SandboxState, Record<SandboxAct, Verdict>>;

/**
 * Why `state` forbids `act`, or `null` where it allows it.
 *
 * Source: state matrix, protocol §1.2.
 */
export function sandboxCannot(state: SandboxState, act: SandboxAct): string | null {
  return RULES[state][act];
}

/** Whether `state` allows `act`. */
export function sandboxCan(state: SandboxState, act: SandboxAct): boolean {
  return RULES[state][act] === null;
}

import type { Sandbox, SandboxState } from './schema';

/** What can be done to one sandbox. */
export const SANDBOX_ACTS = ['kill', 'pause', 'resume', 'setTimeout', 'run'] as const;
export type SandboxAct = (typeof SANDBOX_ACTS)[number];
/** The acts that show in what the service says of a sandbox. A command changes only what is in it, and no reading proves it. */
export type StateAct = Exclude<SandboxAct, 'run'>;

/** `null` when the state allows the act, otherwise the reason a person reads. */
type Verdict = string | null;

const UNKNOWN_STATE = 'Its state is not one this version knows.';

/** State × act, from docs/protocol.md#state-matrix. A state added to the schema breaks the build here. */
const RULES = {
  running: {
    kill: null,
    pause: null,
    resume: 'It is already running.',
    setTimeout: null,
    run: null,
  },
  paused: {
    kill: null,
    pause: 'It is already paused.',
    resume: null,
    setTimeout: 'A paused sandbox has no deadline. Resume it first.',
    run: 'It is paused, so nothing runs in it. Resume it first.',
  },
  unknown: {
    kill: null,
    pause: UNKNOWN_STATE,
    resume: UNKNOWN_STATE,
    setTimeout: UNKNOWN_STATE,
    run: UNKNOWN_STATE,
  },
} satisfies Record<SandboxState, Record<SandboxAct, Verdict>>;

/**
 * Why `state` forbids `act`, or `null` where it allows it.
 *
 * Source: docs/protocol.md#state-matrix.
 */
export function sandboxCannot(state: SandboxState, act: SandboxAct): string | null {
  return RULES[state][act];
}

/** Whether `state` allows `act`. */
export function sandboxCan(state: SandboxState, act: SandboxAct): boolean {
  return RULES[state][act] === null;
}

const STOPS = { kill: true, pause: true, resume: false, setTimeout: false, run: false } satisfies Record<
  SandboxAct,
  boolean
>;

/** Whether the act takes a sandbox away from whoever works in it; bulks of such acts leave protected ones alone. */
export function stopsSandbox(act: SandboxAct): boolean {
  return STOPS[act];
}

const OCCUPIES = { kill: true, pause: true, resume: true, setTimeout: true, run: false } satisfies Record<
  SandboxAct,
  boolean
>;

/** Whether nothing else can be done to a sandbox meanwhile. A command may run for an hour, and must be no shield from a kill. */
export function occupiesSandbox(act: SandboxAct): boolean {
  return OCCUPIES[act];
}

/** Whether the metadata says that this sandbox is to be kept: `key` is `true`, in whatever case. */
export function isProtected({ metadata }: Pick<Sandbox, 'metadata'>, key: string): boolean {
  return Object.hasOwn(metadata, key) && metadata[key]?.trim().toLowerCase() === 'true';
}

import type { Role } from '../roles';
import type { Sandbox, SandboxState } from './schema';

/** The actions on a sandbox. */
export const SANDBOX_ACTS = ['kill', 'pause', 'resume', 'setTimeout', 'run'] as const;
export type SandboxAct = (typeof SANDBOX_ACTS)[number];
/** The actions that change the state reported by the service. A command changes only the inside. */
export type StateAct = Exclude<SandboxAct, 'run'>;

/** The role that each action needs. The deadline that ends a sandbox within minutes needs that of a kill. */
export const ROLE_FOR = {
  kill: 'admin',
  pause: 'operator',
  resume: 'operator',
  setTimeout: 'operator',
  run: 'operator',
} satisfies Record<SandboxAct, Role>;

/** `null` if the state allows the action, otherwise the reason for people. */
type Verdict = string | null;

const UNKNOWN_STATE = 'This version of Sandkeeper does not know its state.';

/** See docs/protocol.md#state-matrix. A state added to the schema breaks the build here. */
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
    run: 'It is paused. Resume it first.',
  },
  unknown: {
    kill: null,
    pause: UNKNOWN_STATE,
    resume: UNKNOWN_STATE,
    setTimeout: UNKNOWN_STATE,
    run: UNKNOWN_STATE,
  },
} satisfies Record<SandboxState, Record<SandboxAct, Verdict>>;

/** The reason that `state` forbids `act`, or `null`. */
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

/** Whether the action stops the sandbox. Such bulk actions skip protected sandboxes. */
export function stopsSandbox(act: SandboxAct): boolean {
  return STOPS[act];
}

const OCCUPIES = { kill: true, pause: true, resume: true, setTimeout: true, run: false } satisfies Record<
  SandboxAct,
  boolean
>;

/** Whether the action blocks other actions. A command does not: it may run for an hour, and must not prevent a kill. */
export function occupiesSandbox(act: SandboxAct): boolean {
  return OCCUPIES[act];
}

/** Whether the metadata protects this sandbox: `key` is `true`, in any case. */
export function isProtected({ metadata }: Pick<Sandbox, 'metadata'>, key: string): boolean {
  return Object.hasOwn(metadata, key) && metadata[key]?.trim().toLowerCase() === 'true';
}

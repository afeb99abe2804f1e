import type { SandboxState } from '../sandbox/schema';

type StateFacts = {
  /** The position in the sorted state column. */
  readonly rank: number;
  /** Whether the deadline is meaningful (docs/protocol.md#paused-sandboxes-in-responses). */
  readonly hasDeadline: boolean;
};

/** A state added to the schema breaks the build here. */
export const STATE_FACTS = {
  running: { rank: 0, hasDeadline: true },
  paused: { rank: 1, hasDeadline: false },
  unknown: { rank: 2, hasDeadline: true },
} satisfies Record<SandboxState, StateFacts>;

/** Every state, in the order above. Not from the zod schema, which would add zod to the browser bundle. */
export const STATE_NAMES: readonly SandboxState[] = Object.keys(STATE_FACTS).filter(isState);

function isState(name: string): name is SandboxState {
  return Object.hasOwn(STATE_FACTS, name);
}

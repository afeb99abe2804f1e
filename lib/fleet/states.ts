import type { SandboxState } from '../sandbox/schema';

type StateFacts = {
  /** Position in a sorted column. */
  readonly rank: number;
  /**
   * Whether the deadline means anything. While paused it says nothing (docs/protocol.md#paused-sandboxes-in-responses).
   */
  readonly hasDeadline: boolean;
};

/** What the fleet page needs to know of each state. A state added to the schema breaks the build here. */
export const STATE_FACTS = {
  running: { rank: 0, hasDeadline: true },
  paused: { rank: 1, hasDeadline: false },
  unknown: { rank: 2, hasDeadline: true },
} satisfies Record<SandboxState, StateFacts>;

/** Every state, in the order of the table above. The zod schema lists them too, but would travel to the browser. */
export const STATE_NAMES: readonly SandboxState[] = Object.keys(STATE_FACTS).filter(isState);

function isState(name: string): name is SandboxState {
  return Object.hasOwn(STATE_FACTS, name);
}

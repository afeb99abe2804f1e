import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { STATE_NAMES } from '@/lib/fleet/states';
import { isProtected } from '@/lib/sandbox/can';
import type { SandboxState } from '@/lib/sandbox/schema';

const STATE_WORDS = {
  running: 'running',
  paused: 'paused',
  unknown: 'in an unknown state',
} satisfies Record<SandboxState, string>;

/** Below this it is said how many are not selected. */
const FEW = 10;

/** What the selected are: by state, how many are protected, and whether that is all that match. */
export function kindWords(
  rows: readonly IndexedSandbox[],
  { matching, protectedKey }: { matching: number; protectedKey: string },
): string[] {
  const states = STATE_NAMES.map((state) => ({
    state,
    count: rows.filter(({ sandbox }) => sandbox.state === state).length,
  })).filter(({ count }) => count > 0);
  const guarded = rows.filter(({ sandbox }) => isProtected(sandbox, protectedKey)).length;
  return [
    ...states.map(({ state, count }) => `${count} ${STATE_WORDS[state]}`),
    ...(guarded > 0 ? [`${guarded} protected`] : []),
    ...allWords(rows.length, matching),
  ];
}

function allWords(selected: number, matching: number): string[] {
  const missing = matching - selected;
  if (selected < 2 || missing < 0 || missing >= Math.min(FEW, selected)) return [];
  if (missing === 0) return ['all that match'];
  return [`all that match but ${missing === 1 ? 'one' : missing}`];
}

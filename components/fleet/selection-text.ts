import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { STATE_NAMES } from '@/lib/fleet/states';
import { isProtected } from '@/lib/sandbox/can';
import type { SandboxState } from '@/lib/sandbox/schema';

type Counted = {
  rows: readonly unknown[];
  /** The number of selected sandboxes hidden by the filter. */
  hidden: number;
};

/** The size of the selection, announced to screen readers when it changes. */
export function countText({ rows, hidden }: Counted): string {
  if (rows.length === 0 && hidden === 0) return 'Nothing selected';
  const count = `${rows.length} selected`;
  return hidden === 0 ? count : `${count}, ${hiddenText({ rows, hidden })}`;
}

/** The part of the selection that no action includes, because the filter hides it. */
export function hiddenText({ rows, hidden }: Counted): string {
  return `${hidden} ${rows.length > 0 ? 'more ' : ''}hidden by the filter, not included`;
}

const STATE_TEXTS = {
  running: 'running',
  paused: 'paused',
  unknown: 'in an unknown state',
} satisfies Record<SandboxState, string>;

/** Fewer missing rows than this are named as exceptions. */
const MAX_EXCEPTIONS = 10;

/** Describes the selected rows: their states, how many are protected, and whether they are all matching rows. */
export function kindTexts(
  rows: readonly IndexedSandbox[],
  { matching, protectedKey }: { matching: number; protectedKey: string },
): string[] {
  const states = STATE_NAMES.map((state) => ({
    state,
    count: rows.filter(({ sandbox }) => sandbox.state === state).length,
  })).filter(({ count }) => count > 0);
  const protectedCount = rows.filter(({ sandbox }) => isProtected(sandbox, protectedKey)).length;
  return [
    ...states.map(({ state, count }) => `${count} ${STATE_TEXTS[state]}`),
    ...(protectedCount > 0 ? [`${protectedCount} protected`] : []),
    ...allTexts(rows.length, matching),
  ];
}

function allTexts(selected: number, matching: number): string[] {
  const missing = matching - selected;
  if (selected < 2 || missing < 0 || missing >= Math.min(MAX_EXCEPTIONS, selected)) return [];
  return [missing === 0 ? 'all matching' : `all matching except ${missing}`];
}

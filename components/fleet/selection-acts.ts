import { roleForbids, whyNot } from '@/components/sandbox/sandbox-acts';
import type { Role } from '@/lib/access/roles';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { ActUnderWay } from '@/lib/operations/record/progress';
import { isProtected, type SandboxAct, stopsSandbox } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';

type Rows = readonly IndexedSandbox[];
type Circumstances = {
  role: Role;
  underWay: ReadonlyMap<string, ActUnderWay>;
  /** The metadata key by which a sandbox is protected from bulks. */
  protectedKey: string;
  /** How many one operation may take. */
  bulkLimit: number;
};

/** One act on what is selected. */
export type SelectionAct = {
  act: SandboxAct;
  label: string;
  /** To how many it will be done. */
  count: number;
  /** What to hand over: as many as the label says, and, where a plan is shown first, the protected that it leaves alone. */
  sandboxes: Sandbox[];
  /** Why it cannot be done, or `null`. */
  reason: string | null;
};

/** From the gentlest to the last. */
const ACTS: readonly SandboxAct[] = ['run', 'setTimeout', 'resume', 'pause', 'kill'];

const LABELS = {
  run: (count) => (count === null ? 'Run a command…' : `Run in ${count}…`),
  setTimeout: (count) => (count === null ? 'Set time left…' : `Set time left of ${count}…`),
  resume: (count) => (count === null ? 'Resume…' : `Resume ${count}…`),
  pause: (count) => (count === null ? 'Pause' : `Pause ${count}`),
  kill: (count) => (count === null ? 'Kill…' : `Kill ${count}…`),
} satisfies Record<SandboxAct, (count: number | null) => string>;

const FITS_NONE = {
  run: 'None of them is running: commands run only in those that are.',
  setTimeout: 'None of them is running: only those have a deadline.',
  resume: 'None of them is paused.',
  pause: 'None of them is running.',
  kill: 'None of them can be killed now.',
} satisfies Record<SandboxAct, string>;

/** Whom an act is handed: those it will be done to, or more, where somebody reads what it leaves alone before it starts. */
const HANDS_OVER = {
  run: 'all',
  setTimeout: 'targets',
  resume: 'targets',
  pause: 'targets',
  kill: 'fit',
} as const satisfies Record<SandboxAct, 'targets' | 'fit' | 'all'>;

/** What can be done to the selected rows: each act with those it makes sense for, or why there are none. */
export function selectionActs(rows: Rows, circumstances: Circumstances): SelectionAct[] {
  return ACTS.map((act) => {
    const { fit, targets } = targetsOf(rows, act, circumstances);
    const count = targets.length;
    const sandboxes = { targets, fit, all: rows.map(({ sandbox }) => sandbox) }[HANDS_OVER[act]];
    return {
      act,
      label: LABELS[act](count || null),
      count,
      sandboxes,
      reason:
        count === 0
          ? reasonFor(act, rows, fit.length, circumstances)
          : tooMany(sandboxes.length, circumstances.bulkLimit),
    };
  });
}

/** Those that the act makes sense for, and among them those that it will be done to: no bulk touches protected ones. */
function targetsOf(rows: Rows, act: SandboxAct, { role, underWay, protectedKey }: Circumstances) {
  const fit = rows
    .map(({ sandbox }) => sandbox)
    .filter((sandbox) => whyNot(sandbox, act, { role, underWay: underWay.get(sandbox.id)?.act }) === null);
  const isBulk = fit.length > 1;
  const targets =
    isBulk && stopsSandbox(act) ? fit.filter((sandbox) => !isProtected(sandbox, protectedKey)) : fit;
  return { fit, targets };
}

function tooMany(count: number, limit: number): string | null {
  return count > limit
    ? `One operation takes ${limit} at most. Narrow the filter, or go in several steps.`
    : null;
}

function reasonFor(act: SandboxAct, rows: Rows, fit: number, { role, underWay }: Circumstances): string {
  const [only, second] = rows;
  if (only === undefined) return 'Nothing that is selected passes the filter.';
  if (second === undefined)
    return (
      whyNot(only.sandbox, act, { role, underWay: underWay.get(only.sandbox.id)?.act }) ?? FITS_NONE[act]
    );
  if (fit > 0)
    return `${fit === rows.length ? 'All are protected' : 'Only protected ones are left'}: those go one at a time.`;
  const isBusy = rows.every(({ sandbox }) => underWay.has(sandbox.id));
  return (
    roleForbids(role, act) ?? (isBusy ? 'Something is being done to each of them already.' : FITS_NONE[act])
  );
}

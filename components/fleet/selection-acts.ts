import type { Roles } from '@/components/data/use-person';
import { sandboxCount } from '@/components/operations/outcome';
import { rolesForbid, whyNot } from '@/components/sandbox/sandbox-acts';
import { type FleetsView, lackingOf } from '@/lib/fleet/fleets';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { ActUnderWay } from '@/lib/operations/record/progress';
import type { Command } from '@/lib/palette/offers';
import { isProtected, type SandboxAct, sandboxCan, stopsSandbox } from '@/lib/sandbox/can';
import { serviceCannot } from '@/lib/sandbox/capabilities';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

type Rows = readonly IndexedSandbox[];
type Circumstances = {
  roles: Roles;
  /** What the service of each connection does not offer. */
  lacking: FleetsView['lacking'];
  underWay: ReadonlyMap<SandboxKey, ActUnderWay>;
  /** The metadata key that protects a sandbox from bulk actions. */
  protectedKey: string;
  /** The maximum number of sandboxes in one operation. */
  bulkLimit: number;
  /** The reason that no action is available, or `null`. */
  blocked: string | null;
};

/** An action on the selection. */
export type SelectionAct = {
  act: SandboxAct;
  label: string;
  /** The number of sandboxes it changes. */
  count: number;
  /** The input of the action. Includes excluded sandboxes if a dialog lists them before the start. */
  sandboxes: Sandbox[];
  /** The reason that it is unavailable, or `null`. */
  reason: string | null;
};

/** In the order of the buttons, least destructive first. */
const ACTS: readonly SandboxAct[] = ['run', 'setTimeout', 'resume', 'pause', 'kill'];

const LABELS = {
  run: (count) => (count === null ? 'Run a command…' : `Run in ${count}…`),
  setTimeout: (count) => (count === null ? 'Set time left…' : `Set time left of ${count}…`),
  resume: (count) => (count === null ? 'Resume…' : `Resume ${count}…`),
  pause: (count) => (count === null ? 'Pause' : `Pause ${count}`),
  kill: (count) => (count === null ? 'Kill…' : `Kill ${count}…`),
} satisfies Record<SandboxAct, (count: number | null) => string>;

const FITS_NONE = {
  run: 'No selected sandbox is running. Commands need a running sandbox.',
  setTimeout: 'No selected sandbox is running. Only running sandboxes have a deadline.',
  resume: 'No selected sandbox is paused.',
  pause: 'No selected sandbox is running.',
  kill: 'No selected sandbox can be killed now.',
} satisfies Record<SandboxAct, string>;

/** The input of each action: its targets, those it fits including protected ones, or the whole selection. */
const INPUTS = {
  run: 'all',
  setTimeout: 'targets',
  resume: 'targets',
  pause: 'targets',
  kill: 'fit',
} as const satisfies Record<SandboxAct, 'targets' | 'fit' | 'all'>;

/** The actions on the selected rows, each with its sandboxes or the reason that it is unavailable. */
export function selectionActs(rows: Rows, circumstances: Circumstances): SelectionAct[] {
  return ACTS.map((act) => {
    const { fit, targets } = targetsOf(rows, act, circumstances);
    const count = targets.length;
    const sandboxes = { targets, fit, all: rows.map(({ sandbox }) => sandbox) }[INPUTS[act]];
    return {
      act,
      label: LABELS[act](count || null),
      count,
      sandboxes,
      reason:
        circumstances.blocked ??
        roleGap(rows, act, circumstances.roles) ??
        (count === 0
          ? reasonFor(act, rows, fit.length, circumstances)
          : reasonIfTooMany(sandboxes.length, circumstances.bulkLimit)),
    };
  });
}

/** The reason that the roles do not allow the action on the selection, or `null`. Counts only those that the state allows. */
export function roleGap(rows: Rows, act: SandboxAct, roles: Roles): string | null {
  const able = rows.filter(({ sandbox }) => INPUTS[act] === 'all' || sandboxCan(sandbox.state, act));
  const keys = (able.length === 0 ? rows : able).map(({ sandbox }) => sandbox.key);
  return rolesForbid(keys, act, roles);
}

/** `fit`: sandboxes that allow the action. `targets`: those it changes; a bulk action skips protected ones. */
function targetsOf(rows: Rows, act: SandboxAct, circumstances: Circumstances) {
  const { protectedKey } = circumstances;
  const fit = rows
    .filter((row) => reasonForOne(row, act, circumstances) === null)
    .map(({ sandbox }) => sandbox);
  const isBulk = fit.length > 1;
  const targets =
    isBulk && stopsSandbox(act) ? fit.filter((sandbox) => !isProtected(sandbox, protectedKey)) : fit;
  return { fit, targets };
}

function reasonForOne(
  { sandbox, connection }: IndexedSandbox,
  act: SandboxAct,
  { roles, lacking, underWay }: Circumstances,
): string | null {
  return whyNot(sandbox, act, {
    role: roles(connection),
    lacking: lackingOf(connection, lacking),
    underWay: underWay.get(sandbox.key)?.act,
  });
}

function reasonIfTooMany(count: number, limit: number): string | null {
  return count > limit ? `An operation can include at most ${limit} sandboxes. Select fewer.` : null;
}

function reasonFor(act: SandboxAct, rows: Rows, fit: number, circumstances: Circumstances): string {
  const { lacking, underWay } = circumstances;
  const [only, second] = rows;
  if (only === undefined) return 'No selected sandbox matches the filter.';
  if (second === undefined) return reasonForOne(only, act, circumstances) ?? FITS_NONE[act];
  if (fit > 0)
    return `${fit === rows.length ? 'All are' : 'The remaining sandboxes are'} protected. Select one at a time.`;
  const isBusy = rows.every(({ sandbox }) => underWay.has(sandbox.key));
  const lacks = rows.map(({ connection }) => serviceCannot(lackingOf(connection, lacking), act));
  return (
    (lacks.includes(null) ? null : lacks[0]) ??
    (isBusy ? 'Another action is in progress on each of them.' : FITS_NONE[act])
  );
}

/** The actions on the selection, as commands of the palette. */
export function selectionCommands(
  acts: readonly SelectionAct[],
  run: (act: SelectionAct) => void,
): Command[] {
  return acts.map((selected) => {
    const { act, label, count, reason } = selected;
    return {
      id: `selection:${act}`,
      group: 'selection',
      title: label.replace(String(count), sandboxCount(count)),
      words: act === 'run' ? 'selected selection sandboxes command shell' : 'selected selection sandboxes',
      disabledReason: reason,
      ...(act === 'kill' ? { tone: 'danger' } : {}),
      onRun: () => run(selected),
    };
  });
}

export function copyIdsLabel(count: number): string {
  return count === 1 ? 'Copy ID' : `Copy ${count} IDs`;
}

/** One id per line, as the filter takes them. */
export function idLines(rows: Rows): string {
  return rows.map(({ sandbox }) => sandbox.id).join('\n');
}

type Upkeep = { onCopy: (text: string, name: string) => void; onClear: () => void };

/** The commands on the selection that change no sandbox. */
export function upkeepCommands(rows: Rows, { onCopy, onClear }: Upkeep): Command[] {
  const words = 'selected selection sandboxes';
  const name = rows.length === 1 ? 'the ID' : `${rows.length} IDs`;
  const none = rows.length === 0 ? 'No selected sandbox matches the filter.' : null;
  return [
    {
      id: 'selection:copy-ids',
      group: 'selection',
      title: rows.length === 0 ? 'Copy IDs' : copyIdsLabel(rows.length),
      words: `${words} clipboard`,
      disabledReason: none,
      onRun: () => onCopy(idLines(rows), name),
    },
    {
      id: 'selection:clear',
      group: 'selection',
      title: 'Clear selection',
      words,
      keys: 'Esc',
      onRun: onClear,
    },
  ];
}

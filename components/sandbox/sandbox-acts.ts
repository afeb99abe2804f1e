import type { MenuAct } from '@/components/ui/menu-act';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { type SandboxAct, sandboxCannot } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';

/** What choosing an act does to one sandbox or to many; `useActs` provides it. */
export type ActHandlers = {
  onKill: (sandboxes: Sandbox[]) => void;
  onPause: (sandboxes: Sandbox[]) => void;
  onResume: (sandboxes: Sandbox[]) => void;
  onSetTimeout: (sandboxes: Sandbox[]) => void;
  onRun: (sandboxes: Sandbox[]) => void;
};

/** Who may do what; the server asks for the same. */
const NEEDS = {
  kill: 'admin',
  pause: 'operator',
  resume: 'operator',
  setTimeout: 'operator',
  run: 'operator',
} satisfies Record<SandboxAct, Role>;

/** Why somebody with `role` may do `act` to no sandbox at all, or `null`. */
export function roleForbids(role: Role, act: SandboxAct): string | null {
  return roleSuffices(role, NEEDS[act]) ? null : `This needs the role ${NEEDS[act]}.`;
}

type Circumstances = { role: Role; underWay?: SandboxAct | undefined; isGone?: boolean };

/** Why this person cannot do `act` to `sandbox` now, or `null`. */
export function whyNot(
  sandbox: Sandbox,
  act: SandboxAct,
  { role, underWay, isGone }: Circumstances,
): string | null {
  if (isGone) return 'It is terminated.';
  const forbidden = roleForbids(role, act);
  if (forbidden !== null) return forbidden;
  if (underWay) return 'Something is being done to it already.';
  return sandboxCannot(sandbox.state, act);
}

/** The acts on one sandbox, as data. */
export function sandboxActs(
  sandbox: Sandbox,
  circumstances: Circumstances,
  handlers: ActHandlers,
): MenuAct[] {
  const reason = (act: SandboxAct) => whyNot(sandbox, act, circumstances);
  return [
    { label: 'Run a command…', onActivate: () => handlers.onRun([sandbox]), disabledReason: reason('run') },
    { label: 'Pause', onActivate: () => handlers.onPause([sandbox]), disabledReason: reason('pause') },
    {
      label: 'Resume…',
      onActivate: () => handlers.onResume([sandbox]),
      disabledReason: reason('resume'),
    },
    {
      label: 'Set time left…',
      onActivate: () => handlers.onSetTimeout([sandbox]),
      disabledReason: reason('setTimeout'),
    },
    {
      label: 'Kill…',
      onActivate: () => handlers.onKill([sandbox]),
      disabledReason: reason('kill'),
      tone: 'danger',
      separated: true,
    },
  ];
}

import type { MenuAct } from '@/components/ui/menu-act';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { type SandboxAct, sandboxCannot } from '@/lib/sandbox/can';
import { type Lacking, serviceCannot } from '@/lib/sandbox/capabilities';
import type { Sandbox } from '@/lib/sandbox/schema';

/** Starts an action on one or several sandboxes. Provided by `useActs`. */
export type ActHandlers = {
  onKill: (sandboxes: Sandbox[]) => void;
  onPause: (sandboxes: Sandbox[]) => void;
  onResume: (sandboxes: Sandbox[]) => void;
  onSetTimeout: (sandboxes: Sandbox[]) => void;
  onRun: (sandboxes: Sandbox[]) => void;
};

/** The role that each action needs. The server requires the same. */
const NEEDS = {
  kill: 'admin',
  pause: 'operator',
  resume: 'operator',
  setTimeout: 'operator',
  run: 'operator',
} satisfies Record<SandboxAct, Role>;

/** The reason that `role` does not allow `act` on any sandbox, or `null`. */
export function roleForbids(role: Role, act: SandboxAct): string | null {
  return roleSuffices(role, NEEDS[act]) ? null : `Requires the ${NEEDS[act]} role.`;
}

type Circumstances = {
  role: Role;
  /** What the service does not offer. */
  lacking: Lacking;
  underWay?: SandboxAct | undefined;
  isGone?: boolean;
};

/** The reason that `act` is unavailable on `sandbox` now, or `null`. */
export function whyNot(
  sandbox: Sandbox,
  act: SandboxAct,
  { role, lacking, underWay, isGone }: Circumstances,
): string | null {
  if (isGone) return 'The sandbox is terminated.';
  const forbidden = roleForbids(role, act);
  if (forbidden !== null) return forbidden;
  const lacks = serviceCannot(lacking, act);
  if (lacks !== null) return lacks;
  if (underWay) return 'Another action is in progress.';
  return sandboxCannot(sandbox.state, act);
}

/** The actions of one sandbox, as data. */
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

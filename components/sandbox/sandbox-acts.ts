import type { Roles } from '@/components/data/use-person';
import type { MenuAct } from '@/components/ui/menu-act';
import { splitByConnection } from '@/lib/connection-split';
import { type Role, roleSuffices } from '@/lib/roles';
import { ROLE_FOR, type SandboxAct, sandboxCannot } from '@/lib/sandbox/can';
import { type Lacking, serviceCannot } from '@/lib/sandbox/capabilities';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

/** Starts an action on one or several sandboxes. Provided by `useActs`. */
export type ActHandlers = {
  onKill: (sandboxes: Sandbox[]) => void;
  onPause: (sandboxes: Sandbox[]) => void;
  onResume: (sandboxes: Sandbox[]) => void;
  onSetTimeout: (sandboxes: Sandbox[]) => void;
  onRun: (sandboxes: Sandbox[]) => void;
};

/** The reason that `role` does not allow `act` on any sandbox, or `null`. */
export function roleForbids(role: Role, act: SandboxAct): string | null {
  return roleSuffices(role, ROLE_FOR[act]) ? null : `Requires the ${ROLE_FOR[act]} role.`;
}

/**
 * The reason that the roles do not allow `act` on all of several sandboxes, or `null`. An action on several is one
 * operation, which the server refuses as a whole.
 */
export function rolesForbid(keys: readonly SandboxKey[], act: SandboxAct, roles: Roles): string | null {
  const groups = splitByConnection(keys);
  const lacking = groups.filter(({ name }) => roleForbids(roles(name), act) !== null);
  if (lacking.length === 0) return null;
  if (groups.length === 1) return `Requires the ${ROLE_FOR[act]} role.`;
  const count = lacking.reduce((sum, group) => sum + group.count, 0);
  const names = lacking.map(({ name }) => name).join(', ');
  return `Requires the ${ROLE_FOR[act]} role on ${names}, where ${count} of the ${keys.length} selected ${count === 1 ? 'is' : 'are'}.`;
}

type Circumstances = {
  /** On the connection of the sandbox. */
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

import type { MenuAct } from '@/components/ui/menu-act';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { type SandboxAct, sandboxCannot } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';

/** What choosing an act does; the place that shows the acts provides it. */
export type ActHandlers = {
  onKill: (sandbox: Sandbox) => void;
  onPause: (sandbox: Sandbox) => void;
  onResume: (sandbox: Sandbox) => void;
  onSetTimeout: (sandbox: Sandbox) => void;
};

type Circumstances = { role: Role; underWay?: SandboxAct | undefined; isGone?: boolean };

/** Why this person cannot do `act` to `sandbox` now, or `null`. */
export function whyNot(
  sandbox: Sandbox,
  act: SandboxAct,
  { role, underWay, isGone }: Circumstances,
): string | null {
  if (isGone) return 'It is terminated.';
  if (!roleSuffices(role, 'operator')) return 'This needs the role operator.';
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
    { label: 'Pause', onActivate: () => handlers.onPause(sandbox), disabledReason: reason('pause') },
    {
      label: 'Resume for 15 min',
      onActivate: () => handlers.onResume(sandbox),
      disabledReason: reason('resume'),
    },
    {
      label: 'Set time left…',
      onActivate: () => handlers.onSetTimeout(sandbox),
      disabledReason: reason('setTimeout'),
    },
    {
      label: 'Kill…',
      onActivate: () => handlers.onKill(sandbox),
      disabledReason: reason('kill'),
      tone: 'danger',
      separated: true,
    },
  ];
}

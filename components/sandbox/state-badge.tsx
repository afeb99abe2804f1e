import { clsx } from 'clsx';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { SandboxState } from '@/lib/sandbox/schema';

export const STATES = {
  running: { name: 'Running', dot: 'bg-running' },
  paused: { name: 'Paused', dot: 'bg-paused' },
  unknown: { name: 'Unknown', dot: 'bg-ink-3' },
} satisfies Record<SandboxState, { name: string; dot: string }>;

const UNDER_WAY = {
  kill: 'Killing…',
  pause: 'Pausing…',
  resume: 'Resuming…',
  run: 'Running a command…',
  setTimeout: 'Setting time left…',
} satisfies Record<SandboxAct, string>;

type Props = { state: SandboxState; act?: SandboxAct | undefined; isGone?: boolean };

/** The state of a sandbox, the action in progress, or that it is terminated. */
export function StateBadge({ state, act, isGone }: Props) {
  if (isGone) return <Badge dot="border border-ink-3" text="Terminated" />;
  const { name, dot } = STATES[state];
  return act ? (
    <Badge dot={clsx(dot, 'animate-pulse')} text={UNDER_WAY[act]} />
  ) : (
    <Badge dot={dot} text={name} />
  );
}

function Badge({ dot, text }: { dot: string; text: string }) {
  return (
    <span className="whitespace-nowrap">
      <span aria-hidden className={clsx('mr-2 inline-block size-2 rounded-full align-[1px]', dot)} />
      {text}
    </span>
  );
}

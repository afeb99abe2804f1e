'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { type ReactNode, useEffect, useState } from 'react';
import { StaleBanner } from '@/components/fleet/stale-banner';
import { useActsUnderWay, useFleetView, useLiveState } from '@/components/fleet/use-fleet';
import { useActs } from '@/components/operations/use-acts';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import type { Role } from '@/lib/access/roles';
import { fleetStore } from '@/lib/fleet/store';
import { paths } from '@/lib/paths';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import { MetadataTable } from './metadata-table';
import { whyNot } from './sandbox-acts';
import { SandboxFacts } from './sandbox-facts';
import { StateBadge } from './state-badge';

const MISSING_FOR_MS = 5_000;

type Props = { initial: Sandbox; role: Role; nowMs: number };

/** One sandbox: all that is known of it, kept current, and what can be done to it. */
export function SandboxPage({ initial, role, nowMs }: Props) {
  const view = useFleetView();
  const live = useLiveState();
  const act = useActsUnderWay().get(initial.id)?.act;
  const row = view.rows === null ? undefined : fleetStore().find(initial.id);
  const sandbox = row?.sandbox ?? initial;
  // One that is only just created may not have come to this tab's fleet yet: only what was there can be gone.
  const [wasThere, setWasThere] = useState(false);
  if (row !== undefined && !wasThere) setWasThere(true);
  const isMissing = view.rows !== null && row === undefined;
  const isGone = isMissing && wasThere;
  const { handlers, dialogs } = useActs();
  useRefreshWhen(isMissing, isGone ? 0 : MISSING_FOR_MS);

  return (
    <main className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <StaleBanner status={view.status} live={live} nowMs={nowMs} />
      <SandboxHeading id={sandbox.id} badge={<StateBadge state={sandbox.state} act={act} isGone={isGone} />}>
        <ActButtons
          reason={(wanted) => whyNot(sandbox, wanted, { role, underWay: act, isGone })}
          state={sandbox.state}
          onAct={{
            kill: () => handlers.onKill(sandbox),
            pause: () => handlers.onPause(sandbox),
            resume: () => handlers.onResume(sandbox),
            setTimeout: () => handlers.onSetTimeout(sandbox),
          }}
        />
      </SandboxHeading>
      <div className="grid w-full max-w-[1400px] gap-6 p-5 lg:grid-cols-[minmax(360px,5fr)_minmax(320px,6fr)]">
        <SandboxFacts sandbox={sandbox} nowMs={nowMs} />
        <MetadataTable metadata={sandbox.metadata} />
      </div>
      {dialogs}
    </main>
  );
}

/** The server knows how a sandbox ended, or that it is there after all; ask it once this tab misses it. */
function useRefreshWhen(isMissing: boolean, afterMs: number) {
  const router = useRouter();
  useEffect(() => {
    if (!isMissing) return;
    const timer = setTimeout(() => router.refresh(), afterMs);
    return () => clearTimeout(timer);
  }, [isMissing, afterMs, router]);
}

/** The line under the bar: where one is, which sandbox, and the acts at its end. */
export function SandboxHeading({
  id,
  badge,
  children,
}: {
  id: string;
  badge: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-5 py-3">
      <nav aria-label="Breadcrumb" className="text-ink-3">
        <Link href={paths.sandboxes()} className="hover:text-ink">
          Sandboxes
        </Link>{' '}
        /
      </nav>
      <div className="flex min-w-0 items-center gap-1">
        <h1 className="truncate font-mono text-title">{id}</h1>
        <CopyButton text={id} label="Copy the id" />
      </div>
      {badge}
      <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div>
    </div>
  );
}

type ActButtonsProps = {
  reason: (act: SandboxAct) => string | null;
  state: Sandbox['state'];
  onAct: Record<SandboxAct, () => void>;
};

function ActButtons({ reason, state, onAct }: ActButtonsProps) {
  return (
    <>
      <ActButton reason={reason('setTimeout')} onClick={onAct.setTimeout}>
        Set time left…
      </ActButton>
      {state === 'paused' ? (
        <ActButton reason={reason('resume')} onClick={onAct.resume}>
          Resume for 15 min
        </ActButton>
      ) : (
        <ActButton reason={reason('pause')} onClick={onAct.pause}>
          Pause
        </ActButton>
      )}
      <ActButton tone="danger-plain" reason={reason('kill')} onClick={onAct.kill}>
        Kill…
      </ActButton>
    </>
  );
}

type ActButtonProps = {
  reason: string | null;
  onClick: () => void;
  tone?: 'danger-plain';
  children: ReactNode;
};

function ActButton({ reason, tone, onClick, children }: ActButtonProps) {
  return (
    <Button tone={tone ?? 'plain'} disabled={reason !== null} title={reason ?? undefined} onClick={onClick}>
      {children}
    </Button>
  );
}

/** The page's shape while the sandbox is being read. */
export function SandboxPageSkeleton({ id }: { id: string }) {
  return (
    <main className="flex-1" aria-busy="true">
      <SandboxHeading id={id} badge={<span className="text-ink-3">Reading…</span>} />
      <div className="grid w-full max-w-[1400px] gap-6 p-5 lg:grid-cols-[minmax(360px,5fr)_minmax(320px,6fr)]">
        <div className="h-80 animate-pulse rounded-md border border-line bg-surface" />
        <div className="h-80 animate-pulse rounded-md border border-line bg-surface" />
      </div>
    </main>
  );
}

'use client';

import { type ReactNode, useRef } from 'react';
import { useConnectionStatus, useNamedConnection } from '@/components/data/use-connections';
import { useLacking } from '@/components/data/use-fleet';
import { useOffers } from '@/components/data/use-offers';
import { preloadActs, useActs } from '@/components/operations/use-acts';
import { commandsOf } from '@/components/sandbox/act-commands';
import { FittedChips, useMoreMetadata } from '@/components/sandbox/metadata-chips';
import { sandboxActs, whyNot } from '@/components/sandbox/sandbox-acts';
import { formatSize } from '@/components/sandbox/size';
import { StaleBanner } from '@/components/sandbox/stale-banner';
import { StateBadge } from '@/components/sandbox/state-badge';
import { Button } from '@/components/ui/button';
import { useAssumedClock } from '@/components/ui/clock';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { useWidth } from '@/components/ui/use-width';
import { Visible } from '@/components/ui/visible-text';
import type { JsonOf } from '@/lib/json-of';
import type { Role } from '@/lib/roles';
import type { StateAct } from '@/lib/sandbox/can';
import { templateName } from '@/lib/sandbox/name';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';
import { GoneStrip } from './gone-strip';
import { OperationsLink } from './operations-link';
import { SandboxHeading } from './sandbox-heading';
import type { SandboxTab } from './sandbox-tabs';
import { type SandboxNow, useRefreshWhenMissing } from './use-sandbox';
import { WakeBanner } from './wake/wake-banner';

/** The props that the server passes to every page of a sandbox. */
export type SandboxPageProps = {
  initial: JsonOf<Sandbox>;
  role: Role;
  /** On the clock of the sandbox's service, which is `aheadMs` ahead of Sandkeeper's. */
  nowMs: number;
  aheadMs: number;
  /** Whether operations on this sandbox are recorded. */
  isRecorded: boolean;
};

type Props = Omit<SandboxPageProps, 'initial'> & {
  now: SandboxNow;
  tab: SandboxTab;
  /** The page fills the window and scrolls inside. Its content stays when the sandbox is gone. */
  isFullHeight?: boolean;
  children: ReactNode;
};

/** The frame of every page of a sandbox: banner, heading, actions and dialogs. */
export function SandboxFrame({
  now,
  tab,
  role,
  nowMs,
  aheadMs,
  isRecorded,
  isFullHeight = false,
  children,
}: Props) {
  const { sandbox, act, isGone } = now;
  const connection = connectionOf(sandbox.key);
  useAssumedClock(connection, aheadMs);
  const status = useConnectionStatus(connection);
  const named = useNamedConnection(connection);
  const lacking = useLacking(connection);
  const { handlers, dialogs } = useActs();
  useOffers(() =>
    commandsOf('sandbox', sandboxActs(sandbox, { role, lacking, underWay: act, isGone }, handlers)),
  );
  useRefreshWhenMissing(now, isFullHeight);

  return (
    <main className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      {status === null ? null : <StaleBanner status={status} nowMs={nowMs - aheadMs} connection={named} />}
      <PanelBoundary what="heading">
        <SandboxHeading
          sandboxKey={sandbox.key}
          tab={tab}
          badge={
            <>
              <StateBadge state={sandbox.state} act={act} isGone={isGone} />
              <OperationsLink sandboxKey={sandbox.key} isRecorded={isRecorded} />
              {tab === 'overview' ? null : <Summary sandbox={sandbox} />}
            </>
          }
        >
          <ActButtons
            reason={(action) => whyNot(sandbox, action, { role, lacking, underWay: act, isGone })}
            state={sandbox.state}
            onAct={{
              kill: () => handlers.onKill([sandbox]),
              pause: () => handlers.onPause([sandbox]),
              resume: () => handlers.onResume([sandbox]),
              setTimeout: () => handlers.onSetTimeout([sandbox]),
            }}
          />
        </SandboxHeading>
      </PanelBoundary>
      <WakeBanner sandbox={sandbox} role={role} />
      {isGone && isFullHeight ? <GoneStrip tab={tab} sandbox={sandbox} nowMs={nowMs} /> : null}
      {/* In a low window the page scrolls, so that its content stays usable. */}
      {isFullHeight ? <div className="flex min-h-80 flex-1 flex-col">{children}</div> : children}
      {dialogs}
    </main>
  );
}

/** The width assumed on the server. The browser measures. */
const SERVED_SUMMARY_PX = 400;

/** Metadata, template and size on one line. The overview page shows them in full. */
function Summary({ sandbox }: { sandbox: Sandbox }) {
  const line = useRef<HTMLDivElement>(null);
  const widthPx = useWidth(line, SERVED_SUMMARY_PX);
  const more = useMoreMetadata();
  return (
    <div className="hidden h-5 min-w-0 flex-1 basis-0 items-center gap-x-4 lg:flex">
      <div ref={line} className="min-w-0 flex-1">
        <FittedChips metadata={sandbox.metadata} widthPx={widthPx} onMore={more.showMore} />
      </div>
      <span className="max-w-[50%] truncate text-ink-3">
        <Visible text={templateName(sandbox)} /> · {formatSize(sandbox)}
      </span>
      {more.popover}
    </div>
  );
}

type ActButtonsProps = {
  reason: (act: StateAct) => string | null;
  state: Sandbox['state'];
  onAct: Record<StateAct, () => void>;
};

function ActButtons({ reason, state, onAct }: ActButtonsProps) {
  return (
    <>
      <ActButton reason={reason('setTimeout')} onClick={onAct.setTimeout}>
        Set time left…
      </ActButton>
      {state === 'paused' ? (
        <ActButton reason={reason('resume')} onClick={onAct.resume}>
          Resume…
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
    <Button
      tone={tone ?? 'plain'}
      unavailable={reason}
      onPointerEnter={preloadActs}
      onFocus={preloadActs}
      onClick={onClick}
    >
      {children}
    </Button>
  );
}

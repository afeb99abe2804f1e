'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Queries } from '@/components/data/queries';
import { useLacking } from '@/components/data/use-fleet';
import { useActs } from '@/components/operations/use-acts';
import { SandboxFrame, type SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxHeadingSkeleton } from '@/components/sandbox-page/sandbox-heading';
import { TabNotice } from '@/components/sandbox-page/tab-notice';
import { useSandbox } from '@/components/sandbox-page/use-sandbox';
import { Button } from '@/components/ui/button';
import { LocalTime } from '@/components/ui/local-time';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { toast } from '@/components/ui/toast';
import { processesQuery } from '@/lib/processes/queries';
import type { ProcessInfo } from '@/lib/processes/schema';
import { roleSuffices } from '@/lib/roles';
import { sandboxCannot } from '@/lib/sandbox/can';
import { serviceCannot } from '@/lib/sandbox/capabilities';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { AttachmentPane } from './attachment-pane';
import { InsideSection } from './inside-section';
import { ProcessTable, rowKey } from './process-table';
import { SignalDialog, type SignalRequest } from './signal-dialog';
import { useHold, useSteadyRows } from './use-steady-rows';

export function ProcessesPage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  const { sandbox, isGone } = now;
  const { handlers, dialogs } = useActs();
  // Listing processes has the same requirements as running a command.
  const lacking = useLacking(connectionOf(sandbox.key));
  const reason = isGone
    ? 'The sandbox is terminated.'
    : (serviceCannot(lacking, 'run') ?? sandboxCannot(sandbox.state, 'run'));
  return (
    <SandboxFrame now={now} tab="processes" isFullHeight {...served}>
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
        {roleSuffices(served.role, 'operator') ? (
          <Queries>
            <Room
              sandboxKey={sandbox.key}
              reason={reason}
              onResume={sandbox.state === 'paused' && !isGone ? () => handlers.onResume([sandbox]) : null}
            />
          </Queries>
        ) : (
          <TabNotice title="Processes require the operator role">
            Sign in with the operator role to see the processes of a sandbox.
          </TabNotice>
        )}
      </div>
      {dialogs}
    </SandboxFrame>
  );
}

type RoomProps = {
  sandboxKey: SandboxKey;
  /** The reason why processes cannot be read now; `null` if they can. */
  reason: string | null;
  onResume: (() => void) | null;
};

function Room({ sandboxKey, reason, onResume }: RoomProps) {
  const queries = useQueryClient();
  const query = useQuery(processesQuery(sandboxKey, reason === null));
  const { isHeld, hold } = useHold();
  const [attached, setAttached] = useState<ProcessInfo | null>(null);
  // Attaching again starts over, even to the same process.
  const [round, setRound] = useState(0);
  const [toSignal, setToSignal] = useState<SignalRequest | null>(null);
  const { data, isError, error } = query;
  const listed = useMemo(() => data?.processes.toSorted((one, other) => one.pid - other.pid), [data]);
  const rows = useSteadyRows(listed, rowKey, isHeld);
  const apiPids = useMemo(() => new Set(data?.processes.map(({ pid }) => pid)), [data]);
  if (data === undefined && reason !== null)
    return (
      <TabNotice title="Processes are unavailable">
        <p>{onResume ? 'The sandbox is paused. Its processes continue when you resume it.' : reason}</p>
        {onResume ? (
          <Button tone="primary" className="mt-4" onClick={onResume}>
            Resume…
          </Button>
        ) : null}
      </TabNotice>
    );
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-5 pt-3 pb-2">
        <h2 className="font-semibold">Started by API</h2>
        <p className="text-ink-2">
          By SDKs, consoles and commands. Their child processes are listed under “All processes”.
        </p>
        <Freshness atMs={data?.atMs ?? null} problem={reason ?? (isError ? error.message : null)} />
      </div>
      {data === undefined && !isError ? (
        <div aria-busy="true" className="mx-5 h-24 animate-pulse rounded-md border border-line bg-surface" />
      ) : null}
      {data !== undefined && rows.length === 0 ? (
        <p className="border-line-soft border-y px-5 py-3 text-ink-2">
          No processes started by API are running.
        </p>
      ) : null}
      {rows.length > 0 ? (
        <PanelBoundary what="list of processes">
          <ProcessTable
            rows={rows}
            attached={attached}
            reason={reason}
            onAttach={(process) => {
              setAttached(process);
              setRound(round + 1);
            }}
            onSignal={setToSignal}
            hold={hold}
          />
        </PanelBoundary>
      ) : null}
      {data?.isCut ? <p className="px-5 py-2 text-ink-2">Only the first 500 processes are shown.</p> : null}
      {attached === null ? null : (
        <PanelBoundary what="output">
          <AttachmentPane
            key={round}
            sandboxKey={sandboxKey}
            process={attached}
            onClose={() => setAttached(null)}
          />
        </PanelBoundary>
      )}
      <InsideSection sandboxKey={sandboxKey} apiPids={apiPids} reason={reason} onSignal={setToSignal} />
      <SignalDialog
        sandboxKey={sandboxKey}
        request={toSignal}
        onClose={() => setToSignal(null)}
        onSent={({ target, signal }) => {
          toast.success(`Sent SIG${signal} to process ${target.pid}`);
          // Also the list of all processes, if it has been read.
          void queries.refetchQueries({
            queryKey: processesQuery(sandboxKey, true).queryKey,
            type: 'active',
          });
        }}
      />
    </>
  );
}

/** Explains why the list is not current. */
function Freshness({ atMs, problem }: { atMs: number | null; problem: string | null }) {
  if (problem === null) return null;
  return (
    <p role="status" className="ml-auto text-ink-2">
      {problem}{' '}
      {atMs === null ? null : (
        <>
          Last read at <LocalTime ms={atMs} isShort />.
        </>
      )}
    </p>
  );
}

export function ProcessesPageSkeleton({ sandboxKey }: { sandboxKey: SandboxKey }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeadingSkeleton sandboxKey={sandboxKey} tab="processes" />
      <div className="m-5 h-24 animate-pulse rounded-md border border-line bg-surface" />
    </main>
  );
}

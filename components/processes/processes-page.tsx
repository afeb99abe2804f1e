'use client';

import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { toast } from 'sonner';
import { Queries } from '@/components/data/queries';
import { useActs } from '@/components/operations/use-acts';
import { SandboxFrame, type SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxHeading } from '@/components/sandbox-page/sandbox-heading';
import { useSandbox } from '@/components/sandbox-page/use-sandbox';
import { Button } from '@/components/ui/button';
import { LocalTime } from '@/components/ui/local-time';
import { Notice } from '@/components/ui/notice';
import { roleSuffices } from '@/lib/access/roles';
import { processesQuery } from '@/lib/processes/queries';
import type { ProcessInfo } from '@/lib/processes/schema';
import { sandboxCannot } from '@/lib/sandbox/can';
import { AttachmentPane } from './attachment-pane';
import { InsideTable } from './inside-table';
import { ProcessTable } from './process-table';
import { SignalDialog, type SignalRequest } from './signal-dialog';
import { useSteadyProcesses } from './use-steady-processes';

/** What runs in one sandbox, and what can be done to it. */
export function ProcessesPage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  const { sandbox, isGone } = now;
  const { handlers, dialogs } = useActs();
  // What can be run in can be looked into.
  const reason = isGone ? 'The sandbox is terminated.' : sandboxCannot(sandbox.state, 'run');
  return (
    <SandboxFrame now={now} tab="processes" isRoom {...served}>
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
        {roleSuffices(served.role, 'operator') ? (
          <Queries>
            <Room
              sandboxId={sandbox.id}
              reason={reason}
              onResume={sandbox.state === 'paused' && !isGone ? () => handlers.onResume([sandbox]) : null}
            />
          </Queries>
        ) : (
          <Notice title="Processes are shown to operators" level="h2" className="p-5">
            What runs in a sandbox is part of its inside. This needs the role operator.
          </Notice>
        )}
      </div>
      {dialogs}
    </SandboxFrame>
  );
}

type RoomProps = {
  sandboxId: string;
  /** Why nothing can be read in it now, or `null`. */
  reason: string | null;
  onResume: (() => void) | null;
};

function Room({ sandboxId, reason, onResume }: RoomProps) {
  const query = useQuery(processesQuery(sandboxId, reason === null));
  const [isHeld, setIsHeld] = useState(false);
  const [attached, setAttached] = useState<ProcessInfo | null>(null);
  const [toSignal, setToSignal] = useState<SignalRequest | null>(null);
  const { data, isError, error } = query;
  const rows = useSteadyProcesses(data?.processes, isHeld);
  const outside = useMemo(() => new Set(data?.processes.map(({ pid }) => pid)), [data]);
  if (data === undefined && reason !== null)
    return (
      <Notice title="Nothing runs in it now" level="h2" className="p-5">
        <p>{onResume ? 'It is paused: its processes stand still until it is resumed.' : reason}</p>
        {onResume ? (
          <Button className="mt-3" onClick={onResume}>
            Resume…
          </Button>
        ) : null}
      </Notice>
    );
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-5 pt-3 pb-2">
        <h2 className="font-semibold">Started from outside</h2>
        <p className="text-ink-2">
          By the SDK, by consoles and by commands. What those have started themselves stands below.
        </p>
        <Freshness atMs={data?.atMs ?? null} problem={reason ?? (isError ? error.message : null)} />
      </div>
      {data === undefined && !isError ? (
        <div aria-busy="true" className="mx-5 h-24 animate-pulse rounded-md border border-line bg-surface" />
      ) : null}
      {data !== undefined && rows.length === 0 ? (
        <p className="border-line-soft border-y px-5 py-3 text-ink-2">
          Nothing that was started from outside runs in it now.
        </p>
      ) : null}
      {rows.length > 0 ? (
        <ProcessTable
          rows={rows}
          attached={attached}
          reason={reason}
          onAttach={setAttached}
          onSignal={setToSignal}
          onHold={setIsHeld}
        />
      ) : null}
      {data?.isCut ? <p className="px-5 py-2 text-ink-2">There are more; the first 500 are shown.</p> : null}
      {attached === null ? null : (
        <AttachmentPane
          key={`${attached.pid} ${attached.mark}`}
          sandboxId={sandboxId}
          process={attached}
          onClose={() => setAttached(null)}
        />
      )}
      <InsideTable sandboxId={sandboxId} outside={outside} reason={reason} />
      <SignalDialog
        sandboxId={sandboxId}
        request={toSignal}
        onClose={() => setToSignal(null)}
        onSent={({ process, signal }) => {
          toast.success(`Sent SIG${signal} to process ${process.pid}`);
          void query.refetch();
        }}
      />
    </>
  );
}

/** Says so when what is shown is not of this moment. */
function Freshness({ atMs, problem }: { atMs: number | null; problem: string | null }) {
  if (problem === null) return null;
  return (
    <p role="status" className="ml-auto text-ink-2">
      {problem}{' '}
      {atMs === null ? null : (
        <>
          What you see was read at <LocalTime ms={atMs} isShort />.
        </>
      )}
    </p>
  );
}

/** The page's shape while the sandbox is being read. */
export function ProcessesPageSkeleton({ id }: { id: string }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeading id={id} tab="processes" badge={<span className="text-ink-3">Reading…</span>} />
      <div className="m-5 h-24 animate-pulse rounded-md border border-line bg-surface" />
    </main>
  );
}

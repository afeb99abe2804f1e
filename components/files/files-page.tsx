'use client';

import { useState } from 'react';
import { Queries } from '@/components/data/queries';
import { useLacking } from '@/components/data/use-fleet';
import { SandboxFrame, type SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxHeadingSkeleton } from '@/components/sandbox-page/sandbox-heading';
import { TabNotice } from '@/components/sandbox-page/tab-notice';
import { useSandbox } from '@/components/sandbox-page/use-sandbox';
import { useNeedsWaking } from '@/components/sandbox-page/wake/use-wake';
import { Button } from '@/components/ui/button';
import { Strip } from '@/components/ui/strip';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { TreeSkeleton } from './browse/folder-state';
import { FileBrowser } from './file-browser';
import { ArchivePanel } from './transfer/archive-panel';
import { UploadPanel } from './transfer/upload-panel';
import { useArchives } from './transfer/use-archives';
import { useUploads } from './transfer/use-uploads';
import { useAddress } from './use-address';
import type { ViewChoice } from './view-choice';
import { WakeGate } from './wake-gate';

type Props = SandboxPageProps & { view: ViewChoice };

/** The files of a sandbox, or the wake form if it is paused. */
export function FilesPage({ initial, view, ...served }: Props) {
  const now = useSandbox(initial);
  const { sandbox, isGone } = now;
  const lacking = useLacking(connectionOf(sandbox.key));
  const needsWaking = useNeedsWaking(sandbox) && !isGone;
  // A file that was open when the sandbox stopped stays visible.
  const { file } = useAddress();
  const [wasReadable, setWasReadable] = useState(!needsWaking);
  if (!needsWaking && !wasReadable) setWasReadable(true);
  const [asksToWake, setAsksToWake] = useState(false);
  if (!needsWaking && asksToWake) setAsksToWake(false);
  const showsGate = needsWaking && (asksToWake || !wasReadable || file === null);

  const content = (
    <>
      {needsWaking && !showsGate ? <PausedStrip onWake={() => setAsksToWake(true)} /> : null}
      <Queries>
        {showsGate ? (
          <>
            <WakeGate sandbox={sandbox} role={served.role} />
            <Transfers sandboxKey={sandbox.key} />
          </>
        ) : (
          <FileBrowser
            sandboxKey={sandbox.key}
            role={served.role}
            isRunning={!needsWaking && !isGone}
            view={view}
          />
        )}
      </Queries>
    </>
  );

  return (
    <SandboxFrame now={now} tab="files" isFullHeight {...served}>
      {lacking.files === undefined ? (
        content
      ) : (
        <TabNotice title="Files are unavailable">
          <p>{lacking.files}</p>
        </TabNotice>
      )}
    </SandboxFrame>
  );
}

/** Downloads and uploads that were under way when the sandbox was paused. */
function Transfers({ sandboxKey }: { sandboxKey: SandboxKey }) {
  const uploads = useUploads(sandboxKey);
  const archives = useArchives(sandboxKey);
  return (
    <>
      <ArchivePanel all={archives} />
      <UploadPanel all={uploads} forbidden="The sandbox is paused. Wake it first." />
    </>
  );
}

function PausedStrip({ onWake }: { onWake: () => void }) {
  return (
    <Strip actions={<Button onClick={onWake}>Wake sandbox…</Button>}>
      <strong className="font-semibold">The sandbox is paused.</strong> Showing the last known content.
    </Strip>
  );
}

export function FilesPageSkeleton({ sandboxKey }: { sandboxKey: SandboxKey }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeadingSkeleton sandboxKey={sandboxKey} tab="files" />
      <div className="h-12 shrink-0 border-line border-b" />
      <div className="flex min-h-0 flex-[0_0_clamp(340px,36%,660px)] flex-col md:w-[clamp(340px,36%,660px)]">
        <TreeSkeleton />
      </div>
    </main>
  );
}

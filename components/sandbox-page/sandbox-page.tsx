'use client';

import { MetadataTable } from '@/components/sandbox/metadata-table';
import { SandboxFacts } from '@/components/sandbox/sandbox-facts';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import type { SandboxKey } from '@/lib/sandbox-key';
import { SandboxFrame, type SandboxPageProps } from './sandbox-frame';
import { SandboxHeadingSkeleton } from './sandbox-heading';
import { useSandbox } from './use-sandbox';

/** The overview of a sandbox, kept up to date. */
export function SandboxPage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  return (
    <SandboxFrame now={now} tab="overview" {...served}>
      <div className="grid w-full max-w-[1400px] gap-6 p-5 lg:grid-cols-[minmax(360px,5fr)_minmax(320px,6fr)]">
        <PanelBoundary what="facts">
          <SandboxFacts sandbox={now.sandbox} nowMs={served.nowMs} aheadMs={served.aheadMs} />
        </PanelBoundary>
        <PanelBoundary what="metadata">
          <MetadataTable metadata={now.sandbox.metadata} />
        </PanelBoundary>
      </div>
    </SandboxFrame>
  );
}

export function SandboxPageSkeleton({ sandboxKey }: { sandboxKey: SandboxKey }) {
  return (
    <main className="flex-1" aria-busy="true">
      <SandboxHeadingSkeleton sandboxKey={sandboxKey} tab="overview" />
      <div className="grid w-full max-w-[1400px] gap-6 p-5 lg:grid-cols-[minmax(360px,5fr)_minmax(320px,6fr)]">
        <div className="h-80 animate-pulse rounded-md border border-line bg-surface" />
        <div className="h-80 animate-pulse rounded-md border border-line bg-surface" />
      </div>
    </main>
  );
}

import Link from 'next/link';
import type { ReactNode } from 'react';
import { FleetLink } from '@/components/data/fleet-return';
import { ArchiveLink, archiveForbidden, archiveSize } from '@/components/operations/archive-summary';
import { MetadataTable } from '@/components/sandbox/metadata-table';
import { StateBadge } from '@/components/sandbox/state-badge';
import { CopyButton } from '@/components/ui/copy-button';
import { LocalTime } from '@/components/ui/local-time';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import type { Ending } from '@/lib/operations/record/ending';
import { paths } from '@/lib/paths';
import type { Role } from '@/lib/roles';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { OperationsLink } from './operations-link';
import { SandboxHeading } from './sandbox-heading';
import { type SandboxTab, tabHref } from './sandbox-tabs';

/** `isRecorded`: whether operations on this sandbox are recorded. `tab`: the requested page. */
type Known = { sandboxKey: SandboxKey; isRecorded: boolean; tab: SandboxTab };

/** A terminated sandbox: when and how it ended. */
export function Terminated({ ending, role, ...known }: Known & { ending: Ending; role: Role }) {
  return (
    <Frame {...known} badge={<StateBadge state="unknown" isGone />}>
      <Notice
        level="h2"
        title={
          ending.endedAtMs === null ? (
            'This sandbox was terminated'
          ) : (
            <>
              Terminated at <LocalTime ms={ending.endedAtMs} />
            </>
          )
        }
      >
        <p>
          {ending.how}{' '}
          {ending.operationId === null ? null : (
            <>
              <Link href={paths.operation(ending.operationId)} className="text-accent underline">
                View operation
              </Link>
              .{' '}
            </>
          )}
          Its processes have ended, its files are deleted and its ID is no longer valid.
        </p>
        {ending.saved === null ? null : (
          <p className="mt-2">
            <ArchiveLink saved={ending.saved} reason={archiveForbidden(role)}>
              Download the files that were archived before the kill
            </ArchiveLink>{' '}
            ({archiveSize(ending.saved)}). In the archive directory of the server:{' '}
            <code className="break-all text-ink text-small">{ending.saved.name}</code>
            <CopyButton text={ending.saved.name} label="Copy archive name" className="ml-1 align-middle" />
          </p>
        )}
      </Notice>
      {ending.last === null ? null : (
        <div className="mt-6 max-w-2xl">
          <MetadataTable metadata={ending.last.metadata} />
        </div>
      )}
    </Frame>
  );
}

export function UnknownSandbox({ sandboxKey, isRecorded }: Omit<Known, 'tab'>) {
  return (
    <Frame sandboxKey={sandboxKey} tab={null} badge={null} isRecorded={isRecorded}>
      <Notice level="h2" title="Sandbox not found">
        <p>The ID may be mistyped or belong to another team, or the sandbox was terminated long ago.</p>
      </Notice>
    </Frame>
  );
}

/** A sandbox that the service did not return, with its last known data if any. */
export function UnreadableSandbox({
  message,
  last,
  ...known
}: Known & { message: string; last: Sandbox | null }) {
  return (
    <Frame {...known} badge={last ? <StateBadge state={last.state} /> : null}>
      <Notice level="h2" title="This sandbox could not be loaded">
        <p>
          {message} {last ? 'Showing its last known data.' : null}
        </p>
        <a href={tabHref(known.tab, known.sandboxKey)} className="mt-2 inline-block text-accent underline">
          Try again
        </a>
      </Notice>
      {last ? (
        <div className="mt-6 max-w-2xl">
          <MetadataTable metadata={last.metadata} />
        </div>
      ) : null}
    </Frame>
  );
}

type FrameProps = Omit<Known, 'tab'> & { tab: SandboxTab | null; badge: ReactNode; children: ReactNode };

function Frame({ sandboxKey, isRecorded, tab, badge, children }: FrameProps) {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <SandboxHeading sandboxKey={sandboxKey} tab={tab} badge={badge} />
      <NoticeColumn>
        {children}
        <p className="mt-6 flex gap-4">
          <OperationsLink sandboxKey={sandboxKey} isRecorded={isRecorded} />
          <FleetLink className="text-accent underline">All sandboxes</FleetLink>
        </p>
      </NoticeColumn>
    </main>
  );
}

import Link from 'next/link';
import type { ReactNode } from 'react';
import { LocalTime } from '@/components/ui/local-time';
import { Notice } from '@/components/ui/notice';
import type { Ending } from '@/lib/operations/ending';
import { paths } from '@/lib/paths';
import type { Sandbox } from '@/lib/sandbox/schema';
import { MetadataTable } from './metadata-table';
import { SandboxHeading } from './sandbox-page';
import { StateBadge } from './state-badge';

/** A sandbox that has ended: when and how, quietly. */
export function Terminated({ id, ending }: { id: string; ending: Ending }) {
  return (
    <Frame id={id} badge={<StateBadge state="unknown" isGone />}>
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
        <p>{ending.how} Its processes have ended, its files are deleted and its id is no longer valid.</p>
      </Notice>
      {ending.last === null ? null : (
        <div className="mt-6 max-w-2xl">
          <MetadataTable metadata={ending.last.metadata} />
        </div>
      )}
    </Frame>
  );
}

/** An id that nobody has heard of. */
export function UnknownSandbox({ id }: { id: string }) {
  return (
    <Frame id={id} badge={null}>
      <Notice level="h2" title="There is no sandbox with this id">
        <p>It may be mistyped, belong to another team, or have been terminated long ago.</p>
      </Notice>
    </Frame>
  );
}

/** A sandbox that could not be read now. */
export function UnreadableSandbox({
  id,
  message,
  last,
}: {
  id: string;
  message: string;
  last: Sandbox | null;
}) {
  return (
    <Frame id={id} badge={last ? <StateBadge state={last.state} /> : null}>
      <Notice level="h2" title="This sandbox cannot be read at the moment">
        <p>
          {message} {last ? 'What is shown here is what was read last.' : null}
        </p>
        <a href={paths.sandbox(id)} className="mt-2 inline-block text-accent underline">
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

function Frame({ id, badge, children }: { id: string; badge: ReactNode; children: ReactNode }) {
  return (
    <main className="min-h-0 flex-1 overflow-y-auto">
      <SandboxHeading id={id} badge={badge} />
      <div className="p-5">
        {children}
        <p className="mt-6">
          <Link href={paths.sandboxes()} className="text-accent underline">
            All sandboxes
          </Link>
        </p>
      </div>
    </main>
  );
}

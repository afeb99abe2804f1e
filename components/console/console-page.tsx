'use client';

import { useRouter } from 'next/navigation';
import { SandboxFrame, type SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxHeading } from '@/components/sandbox-page/sandbox-heading';
import { useSandbox } from '@/components/sandbox-page/use-sandbox';
import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import { Strip } from '@/components/ui/strip';
import { roleSuffices } from '@/lib/access/roles';
import { ConsoleRoom } from './console-room';

/** The consoles of one sandbox. Being here wakes nothing and moves no deadline. */
export function ConsolePage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  const { role, nowMs } = served;
  return (
    <SandboxFrame now={now} tab="console" isRoom {...served}>
      {now.isGone ? <GoneStrip endAtMs={now.sandbox.endAtMs} /> : null}
      {roleSuffices(role, 'operator') ? (
        <ConsoleRoom now={now} role={role} nowMs={nowMs} />
      ) : (
        <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-5 py-[8vh]">
          <Notice level="h2" title="Consoles need the role operator">
            <p>
              You are signed in as {role}. In a console one can do anything with what is in the sandbox, and
              see whatever others do there, so a viewer can neither open nor watch one.
            </p>
          </Notice>
        </div>
      )}
    </SandboxFrame>
  );
}

/** Its time may have run out, or somebody has killed it: the record knows, once the service has told. */
function GoneStrip({ endAtMs }: { endAtMs: number }) {
  const router = useRouter();
  return (
    <Strip actions={<Button onClick={() => router.refresh()}>See how it ended</Button>}>
      <strong className="font-semibold">
        {Date.now() >= endAtMs ? 'The sandbox’s time ran out.' : 'This sandbox was terminated.'}
      </strong>{' '}
      Everything that ran in it has ended.
    </Strip>
  );
}

/** The page's shape while the sandbox is being read. */
export function ConsolePageSkeleton({ id }: { id: string }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeading id={id} tab="console" badge={<span className="text-ink-3">Reading…</span>} />
      <div className="h-10 shrink-0 border-line border-b" />
    </main>
  );
}

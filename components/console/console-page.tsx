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

/** The consoles of one sandbox. Opening the page does not wake the sandbox or move its deadline. */
export function ConsolePage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  const { role, nowMs } = served;
  return (
    <SandboxFrame now={now} tab="console" isFullHeight {...served}>
      {now.isGone ? <GoneStrip endAtMs={now.sandbox.endAtMs} /> : null}
      {roleSuffices(role, 'operator') ? (
        <ConsoleRoom now={now} role={role} nowMs={nowMs} />
      ) : (
        <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-5 py-[8vh]">
          <Notice level="h2" title="Consoles require the operator role">
            <p>
              You are signed in as {role}. A console gives full control of the sandbox, so viewers cannot open
              or watch one. Sign in with another role to use consoles.
            </p>
          </Notice>
        </div>
      )}
    </SandboxFrame>
  );
}

/** Reloading the page shows how the sandbox ended. */
function GoneStrip({ endAtMs }: { endAtMs: number | null }) {
  const router = useRouter();
  return (
    <Strip actions={<Button onClick={() => router.refresh()}>See how it ended</Button>}>
      <strong className="font-semibold">
        {endAtMs !== null && Date.now() >= endAtMs
          ? 'The sandbox reached its timeout.'
          : 'The sandbox was terminated.'}
      </strong>{' '}
      All its processes have ended.
    </Strip>
  );
}

export function ConsolePageSkeleton({ id }: { id: string }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeading id={id} tab="console" badge={<span className="text-ink-3">Reading…</span>} />
      <div className="h-[81px] shrink-0 border-line border-b md:h-[41px]" />
    </main>
  );
}

'use client';

import { SandboxFrame, type SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxHeadingSkeleton } from '@/components/sandbox-page/sandbox-heading';
import { TabNotice } from '@/components/sandbox-page/tab-notice';
import { useSandbox } from '@/components/sandbox-page/use-sandbox';
import { roleSuffices } from '@/lib/roles';
import type { SandboxKey } from '@/lib/sandbox-key';
import { ConsoleRoom } from './console-room';

/** The consoles of one sandbox. Opening the page does not wake the sandbox or move its deadline. */
export function ConsolePage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  const { role, nowMs } = served;
  return (
    <SandboxFrame now={now} tab="console" isFullHeight {...served}>
      {roleSuffices(role, 'operator') ? (
        <ConsoleRoom now={now} role={role} nowMs={nowMs} />
      ) : (
        <TabNotice title="Consoles require the operator role">
          <p>
            You are signed in as {role}. A console gives full control of the sandbox, so viewers cannot open
            or watch one. Sign in with another role to use consoles.
          </p>
        </TabNotice>
      )}
    </SandboxFrame>
  );
}

export function ConsolePageSkeleton({ sandboxKey }: { sandboxKey: SandboxKey }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeadingSkeleton sandboxKey={sandboxKey} tab="console" />
      <div className="h-[81px] shrink-0 border-line border-b md:h-[41px]" />
    </main>
  );
}

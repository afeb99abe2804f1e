'use client';

import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { useServiceNow } from '@/components/ui/clock';
import { Strip } from '@/components/ui/strip';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';
import type { SandboxTab } from './sandbox-tabs';

const WHAT_REMAINS = {
  overview: '',
  files: 'Its files are deleted. Showing the last known content.',
  console: 'All its processes have ended.',
  run: 'All its processes have ended. The output of earlier commands is kept.',
  processes: 'All its processes have ended.',
} satisfies Record<SandboxTab, string>;

type Props = { tab: SandboxTab; sandbox: Sandbox; nowMs: number };

/** Above the content of a tab whose sandbox has ended. A reload shows how it ended. */
export function GoneStrip({ tab, sandbox: { key, endAtMs }, nowMs }: Props) {
  const refresh = useRefresh();
  const isTimeUp = useServiceNow(connectionOf(key), (now) => endAtMs !== null && now >= endAtMs, nowMs);
  return (
    <Strip actions={<Button onClick={refresh}>See how it ended</Button>}>
      <strong className="font-semibold">
        {isTimeUp ? 'The sandbox reached its timeout.' : 'The sandbox was terminated.'}
      </strong>{' '}
      {WHAT_REMAINS[tab]}
    </Strip>
  );
}

'use client';

import { clsx } from 'clsx';
import { useState } from 'react';
import { giveTime, preloadActs } from '@/components/operations/use-acts';
import { useWake } from '@/components/sandbox-page/wake/use-wake';
import { Button } from '@/components/ui/button';
import { serviceNow, useServiceNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import { MAX_TIMEOUT_MS } from '@/lib/sandbox/limits';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';

const MORE_MS = 15 * 60_000;
const SOON_MS = 2 * 60_000;

type Props = {
  sandbox: Sandbox;
  nowMs: number;
  /** The reason why the deadline cannot be moved; `null` if it can. */
  reason: string | null;
};

/** The time left, and a button that extends it. While the sandbox is awake for viewing, its banner shows both. */
export function ConsoleTime({ sandbox, nowMs, reason }: Props) {
  const { endAtMs } = sandbox;
  const [isAsking, setIsAsking] = useState(false);
  const connection = connectionOf(sandbox.key);
  const left = useServiceNow(
    connection,
    (now) => (endAtMs === null ? null : formatDuration(endAtMs - now)),
    nowMs,
  );
  const isSoon = useServiceNow(connection, (now) => endAtMs !== null && endAtMs - now <= SOON_MS, nowMs);
  const isAwake = useWake(sandbox.key)?.kind === 'awake';
  if (sandbox.state !== 'running' || isAwake) return null;

  async function giveMore() {
    if (isAsking) return;
    setIsAsking(true);
    const leftMs = endAtMs === null ? 0 : Math.max(0, endAtMs - serviceNow(connection));
    await giveTime(sandbox, Math.min(leftMs + MORE_MS, MAX_TIMEOUT_MS));
    setIsAsking(false);
  }

  return (
    <span className="flex shrink-0 items-center gap-2">
      <span className={clsx('whitespace-nowrap', isSoon ? 'font-medium text-paused' : 'text-ink-3')}>
        {left === null ? 'Time left unknown' : `${left} left`}
      </span>
      {/* Announced once. */}
      <span role="alert" className="sr-only">
        {isSoon ? 'The sandbox times out in two minutes. Its consoles end with it.' : ''}
      </span>
      <Button
        unavailable={reason}
        isBusy={isAsking}
        title="Give the sandbox 15 minutes more"
        onPointerEnter={preloadActs}
        onClick={() => void giveMore()}
      >
        +15 min
      </Button>
    </span>
  );
}

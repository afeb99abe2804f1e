'use client';

import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { useActsUnderWay, useFleetView } from '@/components/data/use-fleet';
import { fleetStore } from '@/lib/fleet/store';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';

const MISSING_FOR_MS = 5_000;

/** A sandbox as this tab knows it at this moment. */
export type SandboxNow = {
  sandbox: Sandbox;
  /** What is being done to it. */
  act: SandboxAct | undefined;
  /** It was in the fleet and no longer is. */
  isGone: boolean;
  /** The fleet does not have it: it is gone, or has not come there yet. */
  isMissing: boolean;
};

/** Follows the sandbox that the page was served with. */
export function useSandbox(initial: Sandbox): SandboxNow {
  const view = useFleetView();
  const act = useActsUnderWay().get(initial.id)?.act;
  const row = view.rows === null ? undefined : fleetStore().find(initial.id);
  // One that is only just created may not have come to this tab's fleet yet: only what was there can be gone.
  const [wasThere, setWasThere] = useState(false);
  if (row !== undefined && !wasThere) setWasThere(true);
  const isMissing = view.rows !== null && row === undefined;
  return { sandbox: row?.sandbox ?? initial, act, isGone: isMissing && wasThere, isMissing };
}

/**
 * The server knows how a sandbox ended, or that it is there after all; asks it once this tab misses it. `staysWhenGone`:
 * what was read of it stays on the screen until somebody asks for more.
 */
export function useRefreshWhenMissing({ isMissing, isGone }: SandboxNow, staysWhenGone: boolean): void {
  const router = useRouter();
  const mustAsk = isMissing && !(isGone && staysWhenGone);
  const afterMs = isGone ? 0 : MISSING_FOR_MS;
  useEffect(() => {
    if (!mustAsk) return;
    const timer = setTimeout(() => router.refresh(), afterMs);
    return () => clearTimeout(timer);
  }, [mustAsk, afterMs, router]);
}

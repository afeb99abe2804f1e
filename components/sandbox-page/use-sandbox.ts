'use client';

import { useEffect, useMemo, useState } from 'react';
import { useActsUnderWay, useFleetView } from '@/components/data/use-fleet';
import { useRefresh } from '@/components/data/use-url-state';
import { fleets } from '@/lib/fleet/fleets';
import { fromJson, type JsonOf } from '@/lib/json-of';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';

const MISSING_FOR_MS = 5_000;

export type SandboxNow = {
  sandbox: Sandbox;
  /** The action in progress. */
  act: SandboxAct | undefined;
  /** It was in the fleet and has left it. */
  isGone: boolean;
  /** The fleet does not contain it: it is gone, or has not arrived yet. */
  isMissing: boolean;
};

/** Follows a sandbox in the fleet, starting with the server's reading. */
export function useSandbox(served: JsonOf<Sandbox>): SandboxNow {
  const initial = useMemo(() => fromJson(served), [served]);
  const view = useFleetView();
  const act = useActsUnderWay().get(initial.key)?.act;
  // The fleets of other connections say nothing about it.
  const hasArrived = view.arrived.has(connectionOf(initial.key));
  const row = hasArrived ? fleets().find(initial.key) : undefined;
  // A new sandbox may not have arrived in the fleet yet, which does not mean that it is gone.
  const [wasSeen, setWasSeen] = useState(false);
  if (row !== undefined && !wasSeen) setWasSeen(true);
  const isMissing = hasArrived && row === undefined;
  return { sandbox: row?.sandbox ?? initial, act, isGone: isMissing && wasSeen, isMissing };
}

/**
 * Refreshes the page when the fleet no longer contains the sandbox: the server knows how it ended. With
 * `keepWhenGone`, a page of a terminated sandbox keeps its content instead.
 */
export function useRefreshWhenMissing({ isMissing, isGone }: SandboxNow, keepWhenGone: boolean): void {
  const refresh = useRefresh();
  const mustRefresh = isMissing && !(isGone && keepWhenGone);
  const afterMs = isGone ? 0 : MISSING_FOR_MS;
  useEffect(() => {
    if (!mustRefresh) return;
    const timer = setTimeout(refresh, afterMs);
    return () => clearTimeout(timer);
  }, [mustRefresh, afterMs, refresh]);
}

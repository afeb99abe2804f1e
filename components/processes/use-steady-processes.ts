'use client';

import { useState } from 'react';
import type { ProcessInfo } from '@/lib/processes/schema';
import { type SteadyRow, steady } from '@/lib/processes/steady';

/** The processes to show; while `isHeld`, as when a pointer is over them, none moves and none leaves. */
export function useSteadyProcesses(
  processes: readonly ProcessInfo[] | undefined,
  isHeld: boolean,
): readonly SteadyRow[] {
  const [kept, setKept] = useState<{ source: typeof processes; isHeld: boolean; rows: readonly SteadyRow[] }>(
    {
      source: undefined,
      isHeld,
      rows: [],
    },
  );
  if (kept.source === processes && kept.isHeld === isHeld) return kept.rows;
  const rows = steady(isHeld ? kept.rows : [], processes ?? []);
  setKept({ source: processes, isHeld, rows });
  return rows;
}

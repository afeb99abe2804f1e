'use client';

import { useState } from 'react';
import { parseArchivePath, USERS_HOME } from '@/lib/operations/archive/archive-path';
import { MAX_GRACE_MS } from '@/lib/operations/schema';

const DEFAULT_GRACE_SECONDS = '10';
export const MAX_GRACE_SECONDS = MAX_GRACE_MS / 1_000;

/** How a kill is to be done, as it is being chosen. */
export type KillChoice = {
  isGraceful: boolean;
  seconds: string;
  /** `null`: at once. `undefined`: what was typed is no time. */
  graceMs: number | null | undefined;
  setGraceful: (isGraceful: boolean) => void;
  setSeconds: (seconds: string) => void;
  isArchiving: boolean;
  path: string;
  /** What is saved first. `null`: nothing. `undefined`: what was typed is no path. */
  exportPath: string | null | undefined;
  setArchiving: (isArchiving: boolean) => void;
  setPath: (path: string) => void;
};

type Before = { graceMs: number | null; exportPath: string | null };

/** Begins with what was chosen before, where there is such. */
export function useKillOptions({ graceMs, exportPath }: Before): KillChoice {
  const [isGraceful, setGraceful] = useState(graceMs !== null);
  const [seconds, setSeconds] = useState(
    graceMs === null ? DEFAULT_GRACE_SECONDS : String(Math.ceil(graceMs / 1_000)),
  );
  const [isArchiving, setArchiving] = useState(exportPath !== null);
  const [path, setPath] = useState(exportPath ?? USERS_HOME);
  const amount = /^\d{1,4}$/.test(seconds.trim()) ? Number(seconds) : Number.NaN;
  const isTime = amount >= 1 && amount <= MAX_GRACE_SECONDS;
  return {
    isGraceful,
    seconds,
    graceMs: isGraceful ? (isTime ? amount * 1_000 : undefined) : null,
    setGraceful,
    setSeconds,
    isArchiving,
    path,
    exportPath: isArchiving ? (parseArchivePath(path) ?? undefined) : null,
    setArchiving,
    setPath,
  };
}

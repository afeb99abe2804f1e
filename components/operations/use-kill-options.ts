'use client';

import { useState } from 'react';
import { parseArchivePath, USERS_HOME } from '@/lib/operations/archive/archive-path';
import { MAX_GRACE_MS } from '@/lib/operations/schema';

const DEFAULT_GRACE_SECONDS = '10';
export const MAX_GRACE_SECONDS = MAX_GRACE_MS / 1_000;

export type KillChoice = {
  isGraceful: boolean;
  seconds: string;
  /** `null`: kill at once. `undefined`: invalid input. */
  graceMs: number | null | undefined;
  setGraceful: (isGraceful: boolean) => void;
  setSeconds: (seconds: string) => void;
  isArchiving: boolean;
  path: string;
  /** The path to archive. `null`: none. `undefined`: invalid input. */
  exportPath: string | null | undefined;
  setArchiving: (isArchiving: boolean) => void;
  setPath: (path: string) => void;
};

type Initial = { graceMs: number | null; exportPath: string | null };

export function useKillOptions({ graceMs, exportPath }: Initial): KillChoice {
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

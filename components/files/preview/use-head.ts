'use client';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { retriedWhileUnreachable } from '@/lib/files/browse/queries';
import type { Entry } from '@/lib/files/schema';
import { readBytes } from '@/lib/files/transfer/read-bytes';
import type { SandboxKey } from '@/lib/sandbox-key';
import { versionOf } from './preview-props';

/** Enough to detect the type. Small files are complete with it. */
const HEAD_BYTES = 64 * 1024;

/** Of the queries for the head of a file, whatever its version. */
export const headKey = (sandboxKey: SandboxKey, path: string) => ['files', sandboxKey, 'head', path];

/** The first bytes of a file. Keeps the last result during and after a failed reading. */
export function useHead(sandboxKey: SandboxKey, entry: Entry, isLive: boolean) {
  const version = versionOf(entry);
  const { path } = entry;
  const { data, error, refetch } = useQuery({
    queryKey: [...headKey(sandboxKey, path), version],
    queryFn: async ({ signal }) => {
      const { bytes, sizeBytes } = await readBytes(sandboxKey, path, { start: 0, end: HEAD_BYTES, signal });
      return { bytes, sizeBytes, version };
    },
    enabled: isLive,
    placeholderData: (previous, query) => (query?.queryKey[3] === path ? previous : undefined),
    staleTime: Number.POSITIVE_INFINITY,
    ...retriedWhileUnreachable,
    // Reopening the file reads it again.
    gcTime: 0,
  });
  const [held, setHeld] = useState(data);
  if (data !== undefined && data !== held) setHeld(data);
  const head = data ?? held;
  return { head, error: head === undefined ? error : null, retry: () => void refetch() };
}

'use client';

import { useSyncExternalStore } from 'react';
import { fileAddresses } from '@/lib/files/addresses';
import type { ArchiveFormat, FolderSize } from '@/lib/files/schema';
import { type ArchiveDownload, ArchiveDownloads } from '@/lib/files/transfer/archive/downloads';
import type { ArchiveEvent } from '@/lib/files/transfer/archive/schema';
import { liveSocket } from '@/lib/live/socket';
import type { SandboxKey } from '@/lib/sandbox-key';
import { downloadFrom } from '../browse/entry-actions';

const tabArchives = new ArchiveDownloads();
const NONE: readonly ArchiveDownload[] = [];

type NewArchive = {
  paths: readonly string[];
  name: string;
  total: FolderSize | null;
  format: ArchiveFormat;
  isUnlimited: boolean;
};

export function downloadArchive(
  sandboxKey: SandboxKey,
  { paths, name, total, ...options }: NewArchive,
): void {
  tabArchives.start(
    { sandboxKey, name, total },
    {
      subscribe: (token, onEvent) =>
        liveSocket().subscribe(
          'archive',
          { onEvent: (payload) => onEvent(payload as ArchiveEvent), onGap: () => {} },
          token,
        ),
      fetch: (token) => downloadFrom(fileAddresses.archive(sandboxKey, paths, { ...options, token })),
    },
  );
}

export function dismissArchive(token: string): void {
  tabArchives.dismiss(token);
}

export function useArchives(sandboxKey: SandboxKey): readonly ArchiveDownload[] {
  const all = useSyncExternalStore(tabArchives.subscribe, tabArchives.view, () => NONE);
  return all.every((archive) => archive.sandboxKey === sandboxKey)
    ? all
    : all.filter((archive) => archive.sandboxKey === sandboxKey);
}

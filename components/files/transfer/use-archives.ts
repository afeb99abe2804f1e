'use client';

import { useSyncExternalStore } from 'react';
import { fileAddresses } from '@/lib/files/addresses';
import type { ArchiveFormat, FolderSize } from '@/lib/files/schema';
import { type ArchiveDownload, ArchiveDownloads } from '@/lib/files/transfer/archive/downloads';
import type { ArchiveEvent } from '@/lib/files/transfer/archive/schema';
import { liveSocket } from '@/lib/live/socket';
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

export function downloadArchive(sandboxId: string, { paths, name, total, ...options }: NewArchive): void {
  tabArchives.start(
    { sandboxId, name, total },
    {
      subscribe: (token, onEvent) =>
        liveSocket().subscribe(
          'archive',
          { onEvent: (payload) => onEvent(payload as ArchiveEvent), onGap: () => {} },
          token,
        ),
      fetch: (token) => downloadFrom(fileAddresses.archive(sandboxId, paths, { ...options, token })),
    },
  );
}

export function dismissArchive(token: string): void {
  tabArchives.dismiss(token);
}

export function useArchives(sandboxId: string): readonly ArchiveDownload[] {
  const all = useSyncExternalStore(tabArchives.subscribe, tabArchives.view, () => NONE);
  return all.every((archive) => archive.sandboxId === sandboxId)
    ? all
    : all.filter((archive) => archive.sandboxId === sandboxId);
}

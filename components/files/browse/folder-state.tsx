'use client';

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import { Strip } from '@/components/ui/strip';
import { FilePath } from '@/components/ui/visible-text';
import { isFolder } from '@/lib/files/browse/order';
import { readEntry } from '@/lib/files/browse/queries';
import type { FolderFailure } from '@/lib/files/browse/tree';
import { ancestorsOf, parentOf } from '@/lib/files/guest-path';
import type { FileProblem } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';

type Props = {
  sandboxKey: SandboxKey;
  path: string;
  failure: FolderFailure;
  onGo: (path: string, file?: string) => void;
  onRetry: () => void;
};

const TITLES: Partial<Record<FileProblem, string>> = {
  vanished: 'Folder not found',
  denied: 'No permission to read this folder',
  not_directory: 'This is not a folder',
  not_running: 'The sandbox is paused',
  gone: 'The sandbox is terminated',
};

/** Shown instead of a folder that cannot be read. */
export function FolderState({ sandboxKey, path, failure, onGo, onRetry }: Props) {
  const { problem, message } = failure;
  return (
    <Frame title={(problem && TITLES[problem]) ?? 'Could not read this folder'}>
      <p translate="no" className="mb-1 min-w-0 font-mono text-ink text-small">
        <FilePath path={path} />
      </p>
      <p className="mb-3">{message}</p>
      <div className="flex flex-wrap gap-2">
        {problem === 'vanished' ? <NearestFolder sandboxKey={sandboxKey} path={path} onGo={onGo} /> : null}
        {problem === 'denied' && path !== '/' ? (
          <Button onClick={() => onGo(parentOf(path))}>Go to parent folder</Button>
        ) : null}
        {problem === 'not_directory' ? (
          <Button onClick={() => onGo(parentOf(path), path)}>Show in folder</Button>
        ) : null}
        <Button onClick={onRetry}>Try again</Button>
      </div>
    </Frame>
  );
}

/** Shown above the last known entries while the folder cannot be read. */
export function StaleStrip({ failure }: { failure: FolderFailure }) {
  return (
    <Strip>
      <span className="text-small">
        {failure.message} <span className="text-ink-2">Showing the last known content.</span>
      </span>
    </Strip>
  );
}

function NearestFolder({ sandboxKey, path, onGo }: Pick<Props, 'sandboxKey' | 'path' | 'onGo'>) {
  const { data: nearest } = useQuery({
    queryKey: ['files', sandboxKey, 'nearest', path],
    queryFn: async ({ signal }) => {
      for (const above of ancestorsOf(path).toReversed()) {
        const entry = await readEntry(sandboxKey, above, signal).catch(() => null);
        if (entry && isFolder(entry)) return above;
      }
      return '/';
    },
    gcTime: 0,
    retry: false,
  });
  if (nearest === undefined) return null;
  return (
    <Button
      aria-label={`Go to ${visibleText(nearest)}`}
      onClick={() => onGo(nearest)}
      className="min-w-0 shrink!"
    >
      <span className="flex min-w-0 items-center gap-1.5">
        Go to <FilePath path={nearest} className="font-mono text-small" />
      </span>
    </Button>
  );
}

function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="min-h-0 flex-1 overflow-y-auto p-5">
      <Notice level="h2" title={title} className="min-w-0 max-w-full">
        {children}
      </Notice>
    </div>
  );
}

const SKELETON_ROWS = 14;

export function TreeSkeleton() {
  return (
    <div
      role="status"
      aria-busy="true"
      aria-label="Reading the folder"
      className="min-h-0 flex-1 overflow-hidden"
    >
      <div className="h-8 border-line border-b" />
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows are static.
          key={index}
          className="flex h-[28px] items-center gap-4 pr-4 pl-12"
        >
          <span
            className="h-2.5 animate-pulse rounded-full bg-line"
            style={{ width: `${28 + ((index * 37) % 40)}%` }}
          />
          <span className="ml-auto h-2.5 w-10 animate-pulse rounded-full bg-line-soft" />
        </div>
      ))}
    </div>
  );
}

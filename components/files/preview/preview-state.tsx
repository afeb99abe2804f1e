import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Notice } from '@/components/ui/notice';
import { Strip } from '@/components/ui/strip';
import type { ApiFailure } from '@/lib/api-client';
import type { PreviewView } from '@/lib/files/preview/views';
import type { FileProblem } from '@/lib/files/schema';

const TITLES = {
  vanished: 'File not found',
  denied: 'No permission to read this file',
  is_directory: 'This is now a folder',
  not_regular: 'This is not a regular file',
  not_seekable: 'The sandbox cannot send this file',
  not_directory: 'File not found',
  not_running: 'The sandbox is paused',
  gone: 'The sandbox is terminated',
  too_large: 'This file is too large',
  no_space: 'The disk of the sandbox is full',
  unavailable: 'The sandbox cannot be reached',
} satisfies Record<FileProblem, string>;

const HINTS: Partial<Record<FileProblem, string>> = {
  denied:
    'Files are read as the sandbox user. Change the permissions in a console or with a command as root.',
  vanished: 'It was deleted or renamed. It appears here if it is created again.',
  not_regular: 'It was replaced while it was open.',
};

export function PreviewRefusal({ failure, acts }: { failure: ApiFailure; acts: ReactNode }) {
  const { problem, message } = failure;
  return (
    <PreviewNotice title={problem === null ? 'Could not show this file' : TITLES[problem]} acts={acts}>
      <p>{message}</p>
      {problem !== null && HINTS[problem] ? <p className="mt-1">{HINTS[problem]}</p> : null}
    </PreviewNotice>
  );
}

type TooLargeProps = {
  sizeBytes: number;
  /** `null`: too large for a tab. */
  onShowAnyway: (() => void) | null;
  acts: ReactNode;
};

/** Asks before a large file is read whole. */
export function TooLarge({ sizeBytes, onShowAnyway, acts }: TooLargeProps) {
  return (
    <PreviewNotice
      title="Large file: preview not loaded"
      acts={
        <>
          <Button
            unavailable={onShowAnyway === null ? 'The file does not fit in the memory of this tab.' : null}
            onClick={() => onShowAnyway?.()}
          >
            Load preview
          </Button>
          {acts}
        </>
      }
    >
      <p>
        The file is {formatBytes(sizeBytes)}, and this view reads all of it.
        {onShowAnyway === null ? ' Choose another view or download it.' : ' This may take a while.'}
      </p>
    </PreviewNotice>
  );
}

export function PreviewNotice({
  title,
  children,
  acts,
}: {
  title: string;
  children: ReactNode;
  acts?: ReactNode;
}) {
  return (
    <div className="min-h-0 flex-1 overflow-y-auto p-5">
      <Notice level="h2" title={title} className="min-w-0 max-w-full">
        {children}
        {acts ? <div className="mt-3 flex flex-wrap gap-2">{acts}</div> : null}
      </Notice>
    </div>
  );
}

export function NewsStrip({ onShow }: { onShow: () => void }) {
  return (
    <Strip
      tone="news"
      isDense
      actions={
        <Button className="h-7!" onClick={onShow}>
          Show latest
        </Button>
      }
    >
      The file has changed.
    </Strip>
  );
}

export function CutStrip({ onDismiss }: { onDismiss: () => void }) {
  return (
    <Strip
      tone="news"
      isDense
      actions={
        <Button className="h-7!" onClick={onDismiss}>
          Dismiss
        </Button>
      }
    >
      The file was cut. <span className="text-ink-2">Its earlier content is gone.</span>
    </Strip>
  );
}

const LINES = [38, 0, 52, 46, 0, 24, 61, 57, 40, 0, 33, 48, 20];
const ROWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/** Views with a single centered element. */
const IS_ONE_THING: ReadonlySet<PreviewView> = new Set(['image', 'document', 'audio', 'video']);

export function PreviewSkeleton({ view = null }: { view?: PreviewView | null }) {
  const isOne = view !== null && IS_ONE_THING.has(view);
  return (
    <div role="status" aria-busy="true" aria-label="Reading" className="min-h-0 flex-1 overflow-hidden">
      {isOne ? (
        <div className="flex h-full items-center justify-center p-5">
          <span className="h-1/2 max-h-60 w-1/2 animate-pulse rounded-md bg-line-soft" />
        </div>
      ) : view === 'table' ? (
        ROWS.map((row) => (
          <div key={row} className="flex h-[26px] items-center gap-6 border-line-soft border-b pl-16">
            <span className="h-2 w-12 animate-pulse rounded-full bg-line" />
            <span className="h-2 w-24 animate-pulse rounded-full bg-line" />
            <span className="h-2 w-16 animate-pulse rounded-full bg-line" />
          </div>
        ))
      ) : (
        LINES.map((width, index) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines are static.
            key={index}
            className="flex h-5 items-center pl-5 first:mt-2"
          >
            <span className="mr-4 h-2 w-5 rounded-full bg-line-soft" />
            <span className="h-2 animate-pulse rounded-full bg-line" style={{ width: `${width}%` }} />
          </div>
        ))
      )}
    </div>
  );
}

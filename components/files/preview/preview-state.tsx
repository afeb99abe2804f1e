import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Notice } from '@/components/ui/notice';
import { Strip } from '@/components/ui/strip';
import type { ApiFailure } from '@/lib/api-client';
import type { PreviewView } from '@/lib/files/preview/views';
import type { FileProblem } from '@/lib/files/schema';

const TITLES = {
  vanished: 'There is no such file any more',
  denied: 'This file may not be read',
  is_directory: 'This is a folder by now',
  not_regular: 'This is no regular file',
  not_directory: 'There is no such file any more',
  not_running: 'The sandbox is paused',
  gone: 'The sandbox is terminated',
  too_large: 'This is too large',
  no_space: 'The disk of the sandbox is full',
  unavailable: 'The sandbox cannot be reached at the moment',
} satisfies Record<FileProblem, string>;

const HINTS: Partial<Record<FileProblem, string>> = {
  denied:
    'Files are read as the user of the sandbox. A console, or a command run as root, can change who may read it.',
  vanished: 'It was removed or renamed. If it comes back under this name, it is shown here.',
  not_regular: 'It was replaced while you were looking.',
};

/** Stands in the place of a file that could not be read: what it is about, and the way on. */
export function PreviewRefusal({ failure, acts }: { failure: ApiFailure; acts: ReactNode }) {
  const { problem, message } = failure;
  return (
    <PreviewNotice title={problem === null ? 'This cannot be shown' : TITLES[problem]} acts={acts}>
      <p>{message}</p>
      {problem !== null && HINTS[problem] ? <p className="mt-1">{HINTS[problem]}</p> : null}
    </PreviewNotice>
  );
}

type TooLargeProps = {
  sizeBytes: number;
  /** What it would be shown as. */
  what: string;
  /** `null`: no tab could bear it. */
  onShowAnyway: (() => void) | null;
  acts: ReactNode;
};

/** A file that would be read whole, and is too large for that to be done without asking. */
export function TooLarge({ sizeBytes, what, onShowAnyway, acts }: TooLargeProps) {
  return (
    <PreviewNotice
      title={`Too large to be shown as ${what} unasked`}
      acts={
        <>
          <Button
            unavailable={onShowAnyway === null ? 'It does not fit into the memory of this tab.' : null}
            onClick={() => onShowAnyway?.()}
          >
            Show anyway
          </Button>
          {acts}
        </>
      }
    >
      <p>
        It is {formatBytes(sizeBytes)} and would have to be read whole.
        {onShowAnyway === null ? ' That is more than this tab can bear.' : ' That may take a while.'}
      </p>
    </PreviewNotice>
  );
}

/** A quiet page in the place of a file's content. */
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

/** Over what is shown: it is another by now. */
export function NewsStrip({ onShow }: { onShow: () => void }) {
  return (
    <Strip
      tone="news"
      isDense
      actions={
        <Button className="h-7!" onClick={onShow}>
          Show new
        </Button>
      }
    >
      It changed while you were reading.
    </Strip>
  );
}

const LINES = [38, 0, 52, 46, 0, 24, 61, 57, 40, 0, 33, 48, 20];
const ROWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/** Views that show one thing in the middle. */
const IS_ONE_THING: ReadonlySet<PreviewView> = new Set(['image', 'document', 'audio', 'video']);

/** The shape of what is about to be shown, while it is being read. */
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
            // biome-ignore lint/suspicious/noArrayIndexKey: these lines never change places.
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

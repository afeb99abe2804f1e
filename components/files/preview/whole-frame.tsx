'use client';

import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Strip } from '@/components/ui/strip';
import { ApiFailure } from '@/lib/api-client';
import { CutStrip, NewsStrip, PreviewRefusal, PreviewSkeleton } from './preview-state';
import type { Whole } from './use-whole';

const SHOW_PROGRESS_BYTES = 1024 * 1024;

const NOT_READ = new ApiFailure('conflict', 'The sandbox stopped before the file was read.', 'not_running');

type Props<T> = { whole: Whole<T>; isLive: boolean; children: (value: T) => ReactNode };

export function WholeFrame<T>({ whole, isLive, children }: Props<T>) {
  const { value, failure, doneBytes, sizeBytes } = whole;
  if (value === null) {
    if (failure === null && !isLive) return <PreviewRefusal failure={NOT_READ} acts={null} />;
    if (failure !== null)
      return <PreviewRefusal failure={failure} acts={<Button onClick={whole.retry}>Try again</Button>} />;
    return (
      <>
        {sizeBytes > SHOW_PROGRESS_BYTES ? (
          <p className="px-5 pt-3 text-ink-3 text-small">
            Reading… {formatBytes(Math.min(doneBytes, sizeBytes))} of {formatBytes(sizeBytes)}
          </p>
        ) : null}
        <PreviewSkeleton view={whole.view} />
      </>
    );
  }
  return (
    <>
      {whole.wasCut ? <CutStrip onDismiss={whole.dismissCut} /> : null}
      {whole.hasNews ? <NewsStrip onShow={whole.showNews} /> : null}
      {failure !== null && isLive ? (
        <Strip
          isDense
          actions={
            <Button className="h-7!" onClick={whole.retry}>
              Try again
            </Button>
          }
        >
          {failure.message} <span className="text-ink-2">Showing the last known content.</span>
        </Strip>
      ) : null}
      {children(value)}
    </>
  );
}

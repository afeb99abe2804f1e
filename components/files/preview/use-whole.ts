'use client';

import { useQuery } from '@tanstack/react-query';
import { type RefObject, useLayoutEffect, useState } from 'react';
import { ApiFailure } from '@/lib/api-client';
import { retriedWhileUnreachable } from '@/lib/files/browse/queries';
import { type ContentMark, markOf, wasContentCut } from '@/lib/files/preview/content-mark';
import { maxBytesOf, type PreviewView } from '@/lib/files/preview/views';
import { readBytes } from '@/lib/files/transfer/read-bytes';
import type { PreviewProps } from './preview-props';

export type Whole<T> = {
  view: PreviewView;
  /** `null`: not loaded yet. Kept until replaced. */
  value: T | null;
  failure: ApiFailure | null;
  doneBytes: number;
  sizeBytes: number;
  /** A newer version is held back, because the user has scrolled. */
  hasNews: boolean;
  showNews: () => void;
  /** The file was cut while it was shown, and what is left of it is shown. */
  wasCut: boolean;
  dismissCut: () => void;
  retry: () => void;
};

type Version<T> = { value: T; mark: ContentMark };
type Shown<T> = { version: Version<T> | null; wasCut: boolean };

type Options<T> = {
  view: PreviewView;
  /** Parses the content in time slices. */
  parse: (bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<T>;
  /** Once scrolled, a newer version is held back. */
  scroller: RefObject<HTMLElement | null>;
};

/** Reads and parses a whole file, again after each change. */
export function useWhole<T>(props: PreviewProps, { view, parse, scroller }: Options<T>): Whole<T> {
  const { sandboxKey, entry, version, sizeBytes, isLive } = props;
  const { path } = entry;
  const [doneBytes, setDoneBytes] = useState(0);
  const { data, error, refetch } = useQuery({
    queryKey: ['files', sandboxKey, view, path, version],
    queryFn: async ({ signal }) => {
      const end = maxBytesOf(view);
      const { bytes } = await readBytes(sandboxKey, path, {
        start: 0,
        end,
        signal,
        onProgress: setDoneBytes,
      });
      return { value: await parse(bytes, signal), mark: markOf(bytes) };
    },
    enabled: isLive,
    placeholderData: (previous, query) => (query?.queryKey[3] === path ? previous : undefined),
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    ...retriedWhileUnreachable,
    gcTime: 0,
  });
  const [{ version: shown, wasCut }, setShown] = useState<Shown<T>>({ version: data ?? null, wasCut: false });
  // The scroll position is in the DOM and must be read before paint.
  useLayoutEffect(() => {
    if (data !== undefined) setShown((now) => next(now, data, isScrolled(scroller.current)));
  }, [data, scroller]);
  return {
    view,
    value: (shown ?? data)?.value ?? null,
    failure: error ? ApiFailure.from(error) : null,
    doneBytes,
    sizeBytes,
    hasNews: data !== undefined && shown !== null && shown !== data && isLive,
    showNews: () => setShown((now) => ({ ...now, version: data ?? null })),
    wasCut,
    dismissCut: () => setShown((now) => ({ ...now, wasCut: false })),
    retry: () => void refetch(),
  };
}

/** What is shown once `latest` was read. After a cut, there is no earlier content to hold. */
function next<T>(now: Shown<T>, latest: Version<T>, isScrolled: boolean): Shown<T> {
  if (now.version === null || now.version === latest) return { ...now, version: latest };
  if (wasContentCut(now.version.mark, latest.mark)) return { version: latest, wasCut: true };
  return isScrolled ? now : { ...now, version: latest };
}

function isScrolled(element: HTMLElement | null): boolean {
  return element !== null && (element.scrollTop > 0 || element.scrollLeft > 0);
}

'use client';

import { useQuery } from '@tanstack/react-query';
import { type RefObject, useLayoutEffect, useState } from 'react';
import { ApiFailure } from '@/lib/api-client';
import { maxBytesOf, type PreviewView } from '@/lib/files/preview/views';
import { readBytes } from '@/lib/files/transfer/read-bytes';
import type { PreviewProps } from './preview-props';

/** A file that is read whole and understood, as far as that is. */
export type Whole<T> = {
  view: PreviewView;
  /** `null`: not yet. What was there stays until it is replaced. */
  value: T | null;
  failure: ApiFailure | null;
  doneBytes: number;
  sizeBytes: number;
  /** It has changed, and showing that would move what is being read. */
  hasNews: boolean;
  showNews: () => void;
  retry: () => void;
};

type Wanted<T> = {
  view: PreviewView;
  /** Makes of the bytes what is shown; must let others have their turn. What it throws is for nobody to see. */
  understand: (bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<T>;
  /** What is scrolled: once it is, what is in sight is not exchanged unasked. */
  scroller: RefObject<HTMLElement | null>;
};

/** Reads a file whole, again whenever it has changed, and keeps what is being read in sight. */
export function useWhole<T>(props: PreviewProps, { view, understand, scroller }: Wanted<T>): Whole<T> {
  const { sandboxId, entry, version, sizeBytes, isLive } = props;
  const { path } = entry;
  const [doneBytes, setDoneBytes] = useState(0);
  const { data, error, refetch } = useQuery({
    queryKey: ['files', sandboxId, view, path, version],
    queryFn: async ({ signal }) => {
      const end = maxBytesOf(view);
      const { bytes } = await readBytes(sandboxId, path, { start: 0, end, signal, onProgress: setDoneBytes });
      return { value: await understand(bytes, signal) };
    },
    enabled: isLive,
    placeholderData: (previous, query) => (query?.queryKey[3] === path ? previous : undefined),
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    retry: false,
    refetchOnWindowFocus: false,
    gcTime: 0,
  });
  const [shown, setShown] = useState(data ?? null);
  // How far somebody has scrolled is known outside of React; nothing is drawn before that has been asked.
  useLayoutEffect(() => {
    if (data !== undefined) setShown((now) => (now !== null && isScrolled(scroller.current) ? now : data));
  }, [data, scroller]);
  return {
    view,
    value: (shown ?? data)?.value ?? null,
    failure: error ? ApiFailure.from(error) : null,
    doneBytes,
    sizeBytes,
    hasNews: data !== undefined && shown !== null && shown !== data && isLive,
    showNews: () => setShown(data ?? null),
    retry: () => void refetch(),
  };
}

function isScrolled(element: HTMLElement | null): boolean {
  return element !== null && (element.scrollTop > 0 || element.scrollLeft > 0);
}

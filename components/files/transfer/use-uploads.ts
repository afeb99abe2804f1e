'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { ApiFailure, apiFailureIn } from '@/lib/api-client';
import { fileAddresses } from '@/lib/files/addresses';
import { listingQuery, readEntry } from '@/lib/files/browse/queries';
import { isOver, type Upload, UploadQueue, type UploadTransport } from '@/lib/files/transfer/upload-queue';
import { pageStatus } from '@/lib/page-state';
import type { SandboxKey } from '@/lib/sandbox-key';

const NONE: readonly Upload[] = [];

let tabQueue: UploadQueue | null = null;
const doneListeners = new Set<(upload: Upload) => void>();

/** The queue of this tab. In the browser only. */
export function uploads(): UploadQueue {
  if (tabQueue) return tabQueue;
  const queue = new UploadQueue(transport, (upload) => {
    for (const listener of doneListeners) listener(upload);
  });
  window.addEventListener('beforeunload', (event) => {
    if (!queue.view().every(isOver)) event.preventDefault();
  });
  pageStatus().onRestored(() => queue.retryRefused());
  tabQueue = queue;
  return queue;
}

const subscribe = (listener: () => void) => uploads().subscribe(listener);
const view = () => uploads().view();

/** The uploads into a sandbox. Refreshes a folder when an upload into it is done. */
export function useUploads(sandboxKey: SandboxKey): readonly Upload[] {
  const client = useQueryClient();
  useEffect(() => {
    const onDone = (upload: Upload) => {
      if (upload.sandboxKey !== sandboxKey) return;
      void client.invalidateQueries({ queryKey: listingQuery(sandboxKey, upload.folder).queryKey });
    };
    doneListeners.add(onDone);
    return () => void doneListeners.delete(onDone);
  }, [client, sandboxKey]);
  const all = useSyncExternalStore(subscribe, view, () => NONE);
  return all.every((upload) => upload.sandboxKey === sandboxKey)
    ? all
    : all.filter((upload) => upload.sandboxKey === sandboxKey);
}

export function chooseFiles(onChosen: (files: File[]) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.addEventListener('change', () => onChosen([...(input.files ?? [])]));
  input.click();
}

const transport: UploadTransport = {
  stat: (sandboxKey, path, signal) =>
    readEntry(sandboxKey, path, signal).catch((thrown: unknown) => {
      if (thrown instanceof ApiFailure && thrown.problem === 'vanished') return null;
      throw thrown;
    }),
  // `fetch` does not report upload progress.
  send: ({ sandboxKey, path, conflict }, file, onProgress, signal) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('PUT', fileAddresses.upload(sandboxKey, path, conflict));
      request.setRequestHeader('content-type', 'application/octet-stream');
      request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
      request.addEventListener('load', () => {
        if (request.status < 300) resolve();
        else reject(apiFailureIn(request.status, request.responseText));
      });
      request.addEventListener('error', () =>
        reject(new ApiFailure('unreachable', 'The connection was lost. Try again.')),
      );
      request.addEventListener('abort', () => reject(signal.reason));
      signal.addEventListener('abort', () => request.abort());
      request.send(file);
    }),
};

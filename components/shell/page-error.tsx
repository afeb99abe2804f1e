'use client';

import { useEffect } from 'react';
import { usePageState } from '@/components/data/use-page-state';
import { Button } from '@/components/ui/button';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { isMissingPart, isUnknownAction } from '@/lib/answer';
import { reloadPage } from '@/lib/kept-text';
import { checkPage, pageStatus } from '@/lib/page-state';

export type PageErrorProps = { error: Error & { digest?: string }; retry: () => void };

/** In place of a page that threw. The message stays on the server; the digest identifies it in the log. */
export function PageError({ error, retry }: PageErrorProps) {
  const { isOutdated } = usePageState();
  useEffect(() => {
    if (isUnknownAction(error)) pageStatus().foundOutdated();
    else if (isMissingPart(error)) void checkPage();
  }, [error]);
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <NoticeColumn>
        <Notice title="This page could not be loaded">
          {isOutdated ? (
            <p>Sandkeeper was updated since this page was loaded. Reload it to use the new version.</p>
          ) : (
            <p>
              Nothing was changed.{' '}
              {error.digest
                ? `Details are in the server log under ${error.digest}.`
                : 'Check your connection.'}
            </p>
          )}
          <Button className="mt-4" onClick={isOutdated ? reloadPage : retry}>
            {isOutdated ? 'Reload page' : 'Retry'}
          </Button>
        </Notice>
      </NoticeColumn>
    </main>
  );
}

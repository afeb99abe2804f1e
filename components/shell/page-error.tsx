'use client';

import { usePageState } from '@/components/data/use-page-state';
import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';

export type PageErrorProps = { error: Error & { digest?: string }; retry: () => void };

/** In place of a page that threw. The message stays on the server; the digest identifies it in the log. */
export function PageError({ error, retry }: PageErrorProps) {
  const { isOutdated } = usePageState();
  return (
    <main className="mx-auto w-full max-w-xl p-10">
      <Notice title="This page could not be loaded">
        {isOutdated ? (
          <p>Sandkeeper was updated since this page was loaded. Reload it to use the new version.</p>
        ) : (
          <p>
            Nothing was changed.{' '}
            {error.digest ? `Details are in the server log under ${error.digest}.` : 'Check your connection.'}
          </p>
        )}
        <Button className="mt-4" onClick={isOutdated ? () => window.location.reload() : retry}>
          {isOutdated ? 'Reload page' : 'Retry'}
        </Button>
      </Notice>
    </main>
  );
}

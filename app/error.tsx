'use client';

import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';

/** What a page shows when it threw. Its text stays on the server; the digest finds it in the log. */
export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}) {
  return (
    <main className="mx-auto max-w-xl p-10">
      <Notice title="This page could not be shown">
        <p>
          Nothing was changed. The server log has the details{error.digest ? ` under ${error.digest}` : ''}.
        </p>
        <Button className="mt-4" onClick={reset}>
          Try again
        </Button>
      </Notice>
    </main>
  );
}

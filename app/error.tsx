'use client';

import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';

/** Shown when a page throws. The message stays on the server; the digest identifies it in the log. */
export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}) {
  return (
    <main className="mx-auto max-w-xl p-10">
      <Notice title="This page could not be loaded">
        <p>
          Nothing was changed. Details are in the server log{error.digest ? ` under ${error.digest}` : ''}.
        </p>
        <Button className="mt-4" onClick={reset}>
          Try again
        </Button>
      </Notice>
    </main>
  );
}

'use client';

import { NuqsAdapter } from 'nuqs/adapters/next/app';
import type { ReactNode } from 'react';
import { Toaster } from 'sonner';

/** What every page stands on in the browser. */
export function Providers({ children }: { children: ReactNode }) {
  return (
    <>
      <NuqsAdapter>{children}</NuqsAdapter>
      <Toaster
        position="bottom-right"
        toastOptions={{
          style: {
            background: 'var(--raise)',
            color: 'var(--ink)',
            borderColor: 'var(--line)',
            fontSize: '13px',
            fontFamily: 'var(--font-sans)',
          },
          // Sonner's own colour is made for a white ground.
          classNames: { description: 'text-ink-2!' },
        }}
      />
    </>
  );
}

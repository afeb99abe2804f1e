'use client';

import { NuqsAdapter } from 'nuqs/adapters/next/app';
import type { ReactNode } from 'react';
import { Toaster } from 'sonner';

/** URL state and toasts, for every page. */
export function Providers({ children }: { children: ReactNode }) {
  return (
    <>
      <NuqsAdapter>{children}</NuqsAdapter>
      <Toaster
        position="bottom-right"
        // Above the tray and the dock, plus the default offset.
        offset={{ bottom: 'calc(var(--tray-height, 0px) + var(--dock-height, 0px) + 24px)' }}
        mobileOffset={{ bottom: 'calc(var(--tray-height, 0px) + var(--dock-height, 0px) + 16px)' }}
        toastOptions={{
          style: {
            background: 'var(--raise)',
            color: 'var(--ink)',
            borderColor: 'var(--line)',
            fontSize: '13px',
          },
          // Overrides Sonner's font and its description colour, which assume a white background.
          className: 'font-sans!',
          classNames: { description: 'text-ink-2!' },
        }}
      />
    </>
  );
}

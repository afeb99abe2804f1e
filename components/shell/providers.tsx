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
        // Above the tray and the dock, with the distance that it has by itself.
        offset={{ bottom: 'calc(var(--tray-height, 0px) + var(--dock-height, 0px) + 24px)' }}
        mobileOffset={{ bottom: 'calc(var(--tray-height, 0px) + var(--dock-height, 0px) + 16px)' }}
        toastOptions={{
          style: {
            background: 'var(--raise)',
            color: 'var(--ink)',
            borderColor: 'var(--line)',
            fontSize: '13px',
          },
          // Sonner's own colour is made for a white ground, and it sets its own type on what stands in the toast.
          className: 'font-sans!',
          classNames: { description: 'text-ink-2!' },
        }}
      />
    </>
  );
}

'use client';

import { type ReactNode, useEffect } from 'react';
import { Toaster } from 'sonner';
import { RouterWatch } from '@/components/data/use-url-state';
import { tolerateForeignChanges } from '@/lib/foreign-dom';
import { pageStatus } from '@/lib/page-state';

// Before React hydrates the page.
if (typeof window !== 'undefined') tolerateForeignChanges();

/** URL state and toasts, for every page. `build` is the build of the server that rendered the page. */
export function Providers({ build, children }: { build: string; children: ReactNode }) {
  useEffect(() => pageStatus().loadedFrom(build), [build]);
  return (
    <>
      <RouterWatch />
      {children}
      <Toasts />
    </>
  );
}

/** The toasts of the page. */
export function Toasts() {
  return (
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
  );
}

'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { NuqsAdapter } from 'nuqs/adapters/next/app';
import { type ReactNode, useState } from 'react';
import { Toaster } from 'sonner';

const FRESH_FOR_MS = 10_000;

/** What every page stands on in the browser. */
export function Providers({ children }: { children: ReactNode }) {
  const [queries] = useState(
    () => new QueryClient({ defaultOptions: { queries: { staleTime: FRESH_FOR_MS, retry: 1 } } }),
  );
  return (
    <QueryClientProvider client={queries}>
      <NuqsAdapter>{children}</NuqsAdapter>
      <Toaster
        position="bottom-right"
        toastOptions={{
          style: {
            background: 'var(--raise)',
            color: 'var(--ink)',
            borderColor: 'var(--line)',
            fontSize: '13px',
          },
        }}
      />
    </QueryClientProvider>
  );
}

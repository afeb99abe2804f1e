'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';

const STALE_AFTER_MS = 10_000;

let client: QueryClient | null = null;

/** One cache per tab, created at first use. */
function tabClient(): QueryClient {
  client ??= new QueryClient({ defaultOptions: { queries: { staleTime: STALE_AFTER_MS, retry: 1 } } });
  return client;
}

/** Provides the query client. Only pages that use queries render it, which keeps it out of the fleet page. */
export function Queries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={tabClient()}>{children}</QueryClientProvider>;
}

'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { pageStatus } from '@/lib/page-state';

const STALE_AFTER_MS = 10_000;

let client: QueryClient | null = null;

/** One cache per tab, created at first use. */
function tabClient(): QueryClient {
  if (client) return client;
  const created = new QueryClient({ defaultOptions: { queries: { staleTime: STALE_AFTER_MS, retry: 1 } } });
  // Requests failed while the session had ended.
  pageStatus().onRestored(() => void created.invalidateQueries());
  client = created;
  return created;
}

/** Provides the query client. Only pages that use queries render it, which keeps it out of the fleet page. */
export function Queries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={tabClient()}>{children}</QueryClientProvider>;
}

'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';

const FRESH_FOR_MS = 10_000;

let client: QueryClient | null = null;

/** One cache for the tab, made in the browser at first use. */
function tabClient(): QueryClient {
  client ??= new QueryClient({ defaultOptions: { queries: { staleTime: FRESH_FOR_MS, retry: 1 } } });
  return client;
}

/** Lets what is inside use queries. Stands around what needs it, so that the fleet page need not load it. */
export function Queries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={tabClient()}>{children}</QueryClientProvider>;
}

import type { Metadata } from 'next';
import { Suspense } from 'react';
import { LogPage } from '@/components/record/log-page';
import { LogSkeleton } from '@/components/record/log-states';
import { guardPage } from '@/lib/access/guard';
import { type LogSearch, parseLogSearch } from '@/lib/operations/record/log-filter';
import { listActors, listOperations } from '@/lib/operations/record/record';

export const metadata: Metadata = { title: 'Operations' };

export default async function OperationsPage({ searchParams }: PageProps<'/operations'>) {
  await guardPage('viewer');
  const asked = await searchParams;
  const search = parseLogSearch((name) => [asked[name]].flat()[0]);
  return (
    <Suspense fallback={<LogSkeleton />}>
      <Content search={search} />
    </Suspense>
  );
}

async function Content({ search }: { search: LogSearch }) {
  const nowMs = Date.now();
  const [page, actors] = await Promise.all([listOperations(search, nowMs), listActors()]);
  return <LogPage search={search} page={page} actors={actors} nowMs={nowMs} />;
}

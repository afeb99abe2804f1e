import type { Metadata } from 'next';
import { Suspense } from 'react';
import { LogSkeleton } from '@/components/record/log-states';
import { OperationLog } from '@/components/record/operation-log';
import { guardPage } from '@/lib/access/guard';
import { listErrorEnds } from '@/lib/commands/store';
import { ANYWHERE, type Grants } from '@/lib/grants';
import { type LogSearch, parseLogSearch } from '@/lib/operations/record/log-filter';
import { listActors, listOperations } from '@/lib/operations/record/record';

export const metadata: Metadata = { title: 'Operations' };

export default async function OperationsPage({ searchParams }: PageProps<'/operations'>) {
  const { grants } = await guardPage('viewer', ANYWHERE);
  const parameters = await searchParams;
  const search = parseLogSearch((name) => [parameters[name]].flat()[0]);
  return (
    <Suspense fallback={<LogSkeleton />}>
      <Content search={search} grants={grants} />
    </Suspense>
  );
}

async function Content({ search, grants }: { search: LogSearch; grants: Grants }) {
  const nowMs = Date.now();
  const [page, actors] = await Promise.all([listOperations(search, grants, nowMs), listActors(grants)]);
  const commands = page.entries.flatMap(({ operation: { id, act } }) => (act === 'run' ? id : []));
  const errorEnds = Object.fromEntries(await listErrorEnds(commands));
  return <OperationLog search={search} page={page} errorEnds={errorEnds} actors={actors} nowMs={nowMs} />;
}

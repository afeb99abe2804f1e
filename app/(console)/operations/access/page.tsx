import type { Metadata } from 'next';
import { Suspense } from 'react';
import { AccessLog } from '@/components/record/access-log';
import { LogSkeleton } from '@/components/record/log-states';
import { type AccessSearch, parseAccessSearch } from '@/lib/access/access-filter';
import { listAccessActors, listAccessGroups } from '@/lib/access/audit';
import { guardPage } from '@/lib/access/guard';
import { ANYWHERE, type Grants } from '@/lib/grants';

export const metadata: Metadata = { title: 'Access' };

export default async function OperationsAccessPage({ searchParams }: PageProps<'/operations/access'>) {
  const { grants } = await guardPage('viewer', ANYWHERE);
  const parameters = await searchParams;
  const search = parseAccessSearch((name) => [parameters[name]].flat()[0]);
  return (
    <Suspense fallback={<LogSkeleton />}>
      <Content search={search} grants={grants} />
    </Suspense>
  );
}

async function Content({ search, grants }: { search: AccessSearch; grants: Grants }) {
  const nowMs = Date.now();
  const [page, actors] = await Promise.all([
    listAccessGroups(search, grants, nowMs),
    listAccessActors(grants),
  ]);
  return <AccessLog search={search} page={page} actors={actors} nowMs={nowMs} />;
}

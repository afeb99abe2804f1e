import type { Metadata } from 'next';
import { Suspense } from 'react';
import { operationTitle } from '@/components/operations/outcome';
import { LogSkeleton, UnknownOperation } from '@/components/record/log-states';
import { OperationPage } from '@/components/record/operation-page';
import { guardPage } from '@/lib/access/guard';
import type { Role } from '@/lib/access/roles';
import { jsonOf } from '@/lib/json-of';
import { findRecord, findRetries, listRecorded } from '@/lib/operations/record/record';
import { inOperation } from '@/lib/operations/record/store';

/** Enough to fill the screen. The browser fetches the rest. */
const FIRST_ROWS = 60;

export async function generateMetadata({ params }: PageProps<'/operations/[id]'>): Promise<Metadata> {
  await guardPage('viewer', inOperation(params));
  const operation = await findRecord((await params).id);
  return { title: operation ? operationTitle(operation.act, operation.counts) : 'Operation' };
}

export default async function OneOperationPage({ params }: PageProps<'/operations/[id]'>) {
  const session = await guardPage('viewer', inOperation(params));
  const { id } = await params;
  return (
    <Suspense fallback={<LogSkeleton />}>
      <Content id={id} role={session.role} />
    </Suspense>
  );
}

async function Content({ id, role }: { id: string; role: Role }) {
  const operation = await findRecord(id);
  if (operation === null) return <UnknownOperation />;
  const [items, retries] = await Promise.all([listRecorded(id, FIRST_ROWS), findRetries(id)]);
  return (
    <OperationPage key={id} first={jsonOf({ operation, items, retries })} role={role} nowMs={Date.now()} />
  );
}

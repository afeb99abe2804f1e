import type { Metadata } from 'next';
import { Suspense } from 'react';
import { operationTitle } from '@/components/operations/outcome';
import { LogSkeleton, UnknownOperation } from '@/components/record/log-states';
import { OperationPage } from '@/components/record/operation-page';
import { type Caller, guardPage } from '@/lib/access/guard';
import { jsonOf } from '@/lib/json-of';
import { findRecord, findRetries, listRecorded } from '@/lib/operations/record/record';
import { inOperation } from '@/lib/operations/record/store';

/** Enough to fill the screen. The browser fetches the rest. */
const FIRST_ROWS = 60;

export async function generateMetadata({ params }: PageProps<'/operations/[id]'>): Promise<Metadata> {
  const { grants } = await guardPage('viewer', inOperation(params));
  const operation = await findRecord((await params).id, grants);
  return { title: operation ? operationTitle(operation.act, operation.counts) : 'Operation' };
}

export default async function OneOperationPage({ params }: PageProps<'/operations/[id]'>) {
  const session = await guardPage('viewer', inOperation(params));
  const { id } = await params;
  return (
    <Suspense fallback={<LogSkeleton />}>
      <Content id={id} role={session.role} grants={session.grants} />
    </Suspense>
  );
}

type ContentProps = { id: string } & Pick<Caller, 'role' | 'grants'>;

async function Content({ id, role, grants }: ContentProps) {
  const operation = await findRecord(id, grants);
  if (operation === null) return <UnknownOperation />;
  const [items, retries] = await Promise.all([listRecorded(id, FIRST_ROWS), findRetries(id, grants)]);
  return (
    <OperationPage key={id} first={jsonOf({ operation, items, retries })} role={role} nowMs={Date.now()} />
  );
}

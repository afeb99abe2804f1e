import type { Metadata } from 'next';
import { ProcessesPage, ProcessesPageSkeleton } from '@/components/processes/processes-page';
import { guardPage } from '@/lib/access/guard';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({
  params,
}: PageProps<'/sandboxes/[id]/processes'>): Promise<Metadata> {
  await guardPage('viewer');
  return { title: visibleText(`Processes of ${(await params).id}`) };
}

export default async function SandboxProcessesPage({ params }: PageProps<'/sandboxes/[id]/processes'>) {
  const session = await guardPage('viewer');
  const { id } = await params;
  return (
    <SandboxRoute
      id={id}
      tab="processes"
      session={session}
      skeleton={<ProcessesPageSkeleton id={id} />}
      page={(props) => <ProcessesPage {...props} />}
    />
  );
}

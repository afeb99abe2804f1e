import type { Metadata } from 'next';
import { ProcessesPage, ProcessesPageSkeleton } from '@/components/processes/processes-page';
import { guardPage } from '@/lib/access/guard';
import { keyOf } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/processes'>): Promise<Metadata> {
  await guardPage('viewer', params);
  return { title: visibleText(`Processes of ${(await params).id}`) };
}

export default async function SandboxProcessesPage({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/processes'>) {
  const session = await guardPage('viewer', params);
  const route = await params;
  return (
    <SandboxRoute
      route={route}
      tab="processes"
      session={session}
      skeleton={<ProcessesPageSkeleton sandboxKey={keyOf(route.connection, route.id)} />}
      page={(props) => <ProcessesPage {...props} />}
    />
  );
}

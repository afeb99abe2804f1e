import type { Metadata } from 'next';
import { SandboxPage, SandboxPageSkeleton } from '@/components/sandbox-page/sandbox-page';
import { guardPage } from '@/lib/access/guard';
import { keyOf } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from './sandbox-route';

export async function generateMetadata({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]'>): Promise<Metadata> {
  return { title: visibleText((await params).id) };
}

export default async function OneSandboxPage({ params }: PageProps<'/c/[connection]/sandboxes/[id]'>) {
  const session = await guardPage('viewer', params);
  const route = await params;
  return (
    <SandboxRoute
      route={route}
      tab="overview"
      session={session}
      skeleton={<SandboxPageSkeleton sandboxKey={keyOf(route.connection, route.id)} />}
      page={(props) => <SandboxPage {...props} />}
    />
  );
}

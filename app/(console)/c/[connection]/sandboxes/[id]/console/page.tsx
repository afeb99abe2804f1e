import type { Metadata } from 'next';
import { ConsolePage, ConsolePageSkeleton } from '@/components/console/console-page';
import { guardPage } from '@/lib/access/guard';
import { keyOf } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/console'>): Promise<Metadata> {
  return { title: visibleText(`Console of ${(await params).id}`) };
}

export default async function SandboxConsolePage({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/console'>) {
  const session = await guardPage('viewer', params);
  const route = await params;
  return (
    <SandboxRoute
      route={route}
      tab="console"
      session={session}
      skeleton={<ConsolePageSkeleton sandboxKey={keyOf(route.connection, route.id)} />}
      page={(props) => <ConsolePage {...props} />}
    />
  );
}

import type { Metadata } from 'next';
import { CommandsPage, CommandsPageSkeleton } from '@/components/commands/commands-page';
import { guardPage } from '@/lib/access/guard';
import { keyOf } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/run'>): Promise<Metadata> {
  await guardPage('viewer', params);
  return { title: visibleText(`Run in ${(await params).id}`) };
}

export default async function SandboxRunPage({ params }: PageProps<'/c/[connection]/sandboxes/[id]/run'>) {
  const session = await guardPage('viewer', params);
  const route = await params;
  return (
    <SandboxRoute
      route={route}
      tab="run"
      session={session}
      skeleton={<CommandsPageSkeleton sandboxKey={keyOf(route.connection, route.id)} />}
      page={(props) => <CommandsPage {...props} />}
    />
  );
}

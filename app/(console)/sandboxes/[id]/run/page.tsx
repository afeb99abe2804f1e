import type { Metadata } from 'next';
import { CommandsPage, CommandsPageSkeleton } from '@/components/commands/commands-page';
import { guardPage } from '@/lib/access/guard';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({ params }: PageProps<'/sandboxes/[id]/run'>): Promise<Metadata> {
  await guardPage('viewer');
  return { title: visibleText(`Run in ${(await params).id}`) };
}

export default async function SandboxRunPage({ params }: PageProps<'/sandboxes/[id]/run'>) {
  const session = await guardPage('viewer');
  const { id } = await params;
  return (
    <SandboxRoute
      id={id}
      tab="run"
      session={session}
      skeleton={<CommandsPageSkeleton id={id} />}
      page={(props) => <CommandsPage {...props} actor={session.actor} />}
    />
  );
}

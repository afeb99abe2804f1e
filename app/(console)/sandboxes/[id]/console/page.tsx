import type { Metadata } from 'next';
import { ConsolePage, ConsolePageSkeleton } from '@/components/console/console-page';
import { guardPage } from '@/lib/access/guard';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({ params }: PageProps<'/sandboxes/[id]/console'>): Promise<Metadata> {
  return { title: visibleText(`Console of ${(await params).id}`) };
}

export default async function SandboxConsolePage({ params }: PageProps<'/sandboxes/[id]/console'>) {
  const session = await guardPage('viewer');
  const { id } = await params;
  return (
    <SandboxRoute
      id={id}
      tab="console"
      session={session}
      skeleton={<ConsolePageSkeleton id={id} />}
      page={(props) => <ConsolePage {...props} />}
    />
  );
}

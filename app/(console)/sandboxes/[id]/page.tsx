import type { Metadata } from 'next';
import { SandboxPage, SandboxPageSkeleton } from '@/components/sandbox-page/sandbox-page';
import { guardPage } from '@/lib/access/guard';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from './sandbox-route';

export async function generateMetadata({ params }: PageProps<'/sandboxes/[id]'>): Promise<Metadata> {
  return { title: visibleText((await params).id) };
}

export default async function OneSandboxPage({ params }: PageProps<'/sandboxes/[id]'>) {
  const session = await guardPage('viewer');
  const { id } = await params;
  return (
    <SandboxRoute
      id={id}
      tab="overview"
      session={session}
      skeleton={<SandboxPageSkeleton id={id} />}
      page={(props) => <SandboxPage {...props} />}
    />
  );
}

import type { Metadata } from 'next';
import { Suspense } from 'react';
import { Terminated, UnknownSandbox, UnreadableSandbox } from '@/components/sandbox/no-sandbox';
import { SandboxPage, SandboxPageSkeleton } from '@/components/sandbox/sandbox-page';
import { Shell } from '@/components/shell/shell';
import { guardPage } from '@/lib/access/guard';
import type { Role } from '@/lib/access/roles';
import { lookAtSandbox } from '@/lib/fleet/look';
import { countStates } from '@/lib/fleet/view';
import { fleetWatcher } from '@/lib/fleet/watcher';
import { findEnding } from '@/lib/operations/ending';
import { shellProps } from '../../shell-props';

export async function generateMetadata({ params }: PageProps<'/sandboxes/[id]'>): Promise<Metadata> {
  return { title: (await params).id };
}

export default async function OneSandboxPage({ params }: PageProps<'/sandboxes/[id]'>) {
  const session = await guardPage('viewer');
  const id = (await params).id;
  const { sandboxes, status } = fleetWatcher().snapshot();
  const summary = { ...countStates(sandboxes), status, nowMs: Date.now() };
  return (
    <Shell {...(await shellProps(session, summary))}>
      <Suspense fallback={<SandboxPageSkeleton id={id} />}>
        <Content id={id} role={session.role} />
      </Suspense>
    </Shell>
  );
}

/** Whatever is true of `id`: the sandbox, its end, that nobody has heard of it, or that we cannot know now. */
async function Content({ id, role }: { id: string; role: Role }) {
  const look = await lookAtSandbox(id);
  if (look.kind === 'there') return <SandboxPage initial={look.sandbox} role={role} nowMs={Date.now()} />;
  if (look.kind === 'unreadable')
    return <UnreadableSandbox id={id} message={look.message} last={look.last} />;
  const ending = look.kind === 'gone' ? await findEnding(id) : null;
  return ending === null ? <UnknownSandbox id={id} /> : <Terminated id={id} ending={ending} />;
}

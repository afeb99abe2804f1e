import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { FilesPage, FilesPageSkeleton } from '@/components/files/files-page';
import { parseView, VIEW_COOKIE } from '@/components/files/view-choice';
import { guardPage } from '@/lib/access/guard';
import { keyOf } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { SandboxRoute } from '../sandbox-route';

export async function generateMetadata({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/files'>): Promise<Metadata> {
  return { title: visibleText(`Files of ${(await params).id}`) };
}

export default async function SandboxFilesPage({
  params,
}: PageProps<'/c/[connection]/sandboxes/[id]/files'>) {
  const session = await guardPage('viewer', params);
  const route = await params;
  const view = parseView((await cookies()).get(VIEW_COOKIE)?.value);
  return (
    <SandboxRoute
      route={route}
      tab="files"
      session={session}
      skeleton={<FilesPageSkeleton sandboxKey={keyOf(route.connection, route.id)} />}
      page={(props) => <FilesPage {...props} view={view} />}
    />
  );
}

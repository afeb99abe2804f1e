import type { Metadata } from 'next';
import { notFound, redirect } from 'next/navigation';
import { SandboxChoice } from '@/components/sandbox-page/sandbox-choice';
import { guardPage } from '@/lib/access/guard';
import { findId } from '@/lib/fleet/find-id';
import { paths } from '@/lib/paths';

export const metadata: Metadata = { title: 'Sandbox' };

/** An address without a connection, as earlier versions had it: leads to the sandbox wherever it is. */
export default async function SandboxByIdPage({
  params,
  searchParams,
}: PageProps<'/sandboxes/[id]/[[...tab]]'>) {
  await guardPage('viewer');
  const { id, tab = [] } = await params;
  const keys = await findId(id);
  const [only, ...others] = keys;
  if (only === undefined) notFound();
  if (others.length > 0) return <SandboxChoice id={id} keys={keys} />;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(await searchParams))
    for (const each of [value ?? []].flat()) query.append(name, each);
  const path = [paths.sandbox(only), ...tab.map(encodeURIComponent)].join('/');
  redirect(query.size === 0 ? path : `${path}?${query}`);
}

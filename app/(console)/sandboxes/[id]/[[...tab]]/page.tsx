import type { Metadata } from 'next';
import { notFound, redirect } from 'next/navigation';
import { SandboxChoice, UnreadId } from '@/components/sandbox-page/sandbox-choice';
import { guardPage } from '@/lib/access/guard';
import { findId } from '@/lib/fleet/find-id';
import { ANYWHERE } from '@/lib/grants';
import { paths } from '@/lib/paths';
import { failureOf } from '@/lib/result';
import type { SandboxKey } from '@/lib/sandbox-key';

export const metadata: Metadata = { title: 'Sandbox' };

/** An address without a connection, as earlier versions had it: leads to the sandbox wherever it is. */
export default async function SandboxByIdPage({
  params,
  searchParams,
}: PageProps<'/sandboxes/[id]/[[...tab]]'>) {
  const { grants } = await guardPage('viewer', ANYWHERE);
  const { id, tab = [] } = await params;
  const found = await findId(id, grants).catch(failureOf);
  if (!Array.isArray(found)) return <UnreadId message={found.message} />;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(await searchParams))
    for (const each of [value ?? []].flat()) query.append(name, each);
  const addressOf = (key: SandboxKey) => {
    const path = [paths.sandbox(key), ...tab.map(encodeURIComponent)].join('/');
    return query.size === 0 ? path : `${path}?${query}`;
  };
  const [only, ...others] = found;
  if (only === undefined) notFound();
  if (others.length === 0) redirect(addressOf(only));
  return <SandboxChoice id={id} choices={found.map((key) => ({ key, address: addressOf(key) }))} />;
}

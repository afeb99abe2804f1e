import { redirect } from 'next/navigation';
import { guardPage } from '@/lib/access/guard';
import { paths } from '@/lib/paths';
import { startQuery } from '@/lib/views/store';

export default async function HomePage() {
  const { actor } = await guardPage('viewer');
  // The page must open even if the views cannot be read.
  const query = await startQuery(actor).catch(() => '');
  redirect(query === '' ? paths.sandboxes() : `${paths.sandboxes()}?${query}`);
}

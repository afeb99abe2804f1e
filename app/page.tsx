import { redirect } from 'next/navigation';
import { guardPage } from '@/lib/access/guard';
import { ANYWHERE } from '@/lib/grants';
import { paths } from '@/lib/paths';
import { startQuery } from '@/lib/views/store';

export default async function HomePage() {
  const session = await guardPage('viewer', ANYWHERE);
  // The page must open even if the views cannot be read.
  const query = await startQuery(session).catch(() => '');
  redirect(query === '' ? paths.sandboxes() : `${paths.sandboxes()}?${query}`);
}

import { redirect } from 'next/navigation';
import { guardPage } from '@/lib/access/guard';
import { paths } from '@/lib/paths';

export default async function HomePage() {
  await guardPage('viewer');
  redirect(paths.sandboxes());
}

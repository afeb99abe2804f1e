import { redirect } from 'next/navigation';
import { EVERYWHERE } from '@/lib/access/grants';
import { guardPage } from '@/lib/access/guard';
import { paths } from '@/lib/paths';

/** The first page of the settings. */
export default async function SettingsPage() {
  await guardPage('admin', EVERYWHERE);
  redirect(paths.connections());
}

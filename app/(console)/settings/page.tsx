import { redirect } from 'next/navigation';
import { guardPage } from '@/lib/access/guard';
import { paths } from '@/lib/paths';

/** The first page of the settings. */
export default async function SettingsPage() {
  await guardPage('admin');
  redirect(paths.connections());
}

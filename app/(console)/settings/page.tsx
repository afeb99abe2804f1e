import { redirect } from 'next/navigation';
import { ANYWHERE } from '@/lib/access/grants';
import { guardPage } from '@/lib/access/guard';
import { paths } from '@/lib/paths';

/** Leads to the first page of the settings, which everybody has. */
export default async function SettingsPage() {
  await guardPage('viewer', ANYWHERE);
  redirect(paths.profile());
}

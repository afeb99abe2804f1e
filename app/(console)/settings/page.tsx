import { redirect } from 'next/navigation';
import { guardPage } from '@/lib/access/guard';
import { ANYWHERE } from '@/lib/grants';
import { paths } from '@/lib/paths';

/** Leads to the first page of the settings, which everybody has. */
export default async function SettingsPage() {
  await guardPage('viewer', ANYWHERE);
  redirect(paths.profile());
}

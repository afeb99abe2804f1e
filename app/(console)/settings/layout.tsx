import type { ReactNode } from 'react';
import { SettingsNav } from '@/components/settings/settings-nav';
import { guardPage } from '@/lib/access/guard';
import { ANYWHERE } from '@/lib/grants';

/** The tabs above every page of the settings. Each page checks the role itself. */
export default async function SettingsLayout({ children }: { children: ReactNode }) {
  await guardPage('viewer', ANYWHERE);
  return (
    <>
      <SettingsNav />
      {children}
    </>
  );
}

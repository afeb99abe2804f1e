'use client';

import { usePathname } from 'next/navigation';
import { usePerson } from '@/components/data/use-person';
import { LinkTabs } from '@/components/ui/link-tabs';
import { EVERYWHERE, mayIn } from '@/lib/grants';
import { paths } from '@/lib/paths';

/** `forAdmins`: needs the admin role on all connections. */
type Place = { name: string; href: string; forAdmins: boolean };

/** The pages of the settings, in the order in which they are shown. */
const PLACES: readonly Place[] = [
  { name: 'Profile', href: paths.profile(), forAdmins: false },
  { name: 'Connections', href: paths.connections(), forAdmins: true },
  { name: 'Sign-in', href: paths.signInSettings(), forAdmins: true },
  { name: 'About', href: paths.about(), forAdmins: false },
];

/** The tabs above every page of the settings. */
export function SettingsNav() {
  const path = usePathname();
  const isAdmin = mayIn(usePerson().grants, 'admin', EVERYWHERE);
  const tabs = PLACES.filter(({ forAdmins }) => isAdmin || !forAdmins).map(({ name, href }) => ({
    key: href,
    name,
    href,
  }));
  const current = tabs.find(({ href }) => path === href || path.startsWith(`${href}/`))?.key ?? '';
  if (tabs.length === 0) return null;
  return (
    <div className="shrink-0 border-line border-b">
      <LinkTabs label="Settings" tabs={tabs} current={current} isTall />
    </div>
  );
}

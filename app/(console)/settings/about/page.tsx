import type { Metadata } from 'next';
import { AboutPage } from '@/components/settings/about-page';
import { guardPage } from '@/lib/access/guard';
import { ANYWHERE } from '@/lib/grants';
import { diagnosticsOf, readAbout } from '@/lib/settings/about';

export const metadata: Metadata = { title: 'About' };

export default async function SettingsAboutPage() {
  const { grants } = await guardPage('viewer', ANYWHERE);
  const about = readAbout(grants);
  return <AboutPage about={about} diagnostics={about.details === null ? null : diagnosticsOf(about)} />;
}

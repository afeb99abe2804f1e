import type { Metadata } from 'next';
import { SignInSettings } from '@/components/settings/sign-in-settings';
import { guardPage } from '@/lib/access/guard';
import { EVERYWHERE } from '@/lib/grants';
import { readSignInFacts } from '@/lib/settings/read-sign-in';

export const metadata: Metadata = { title: 'Sign-in' };

export default async function SettingsSignInPage() {
  await guardPage('admin', EVERYWHERE);
  return <SignInSettings facts={readSignInFacts()} />;
}

import type { Metadata } from 'next';
import { SignInTestPage } from '@/components/settings/sign-in-test-page';
import { guardPage } from '@/lib/access/guard';
import { findTest } from '@/lib/access/oidc/sign-in-test';
import { EVERYWHERE } from '@/lib/grants';

export const metadata: Metadata = { title: 'Test of a sign-in' };

export default async function SettingsSignInTestPage({ searchParams }: PageProps<'/settings/sign-in/test'>) {
  const { userId } = await guardPage('admin', EVERYWHERE);
  const { result } = await searchParams;
  return <SignInTestPage test={typeof result === 'string' ? await findTest(userId, result) : null} />;
}

import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { SignInForm } from '@/components/access/sign-in-form';
import { currentSession } from '@/lib/access/guard';
import { paths } from '@/lib/paths';

export const metadata: Metadata = { title: 'Sign in' };

export default async function SignInPage({ searchParams }: PageProps<'/sign-in'>) {
  const { token } = await searchParams;
  if (token === undefined && (await currentSession())) redirect(paths.sandboxes());
  return <SignInForm token={typeof token === 'string' ? token : ''} />;
}

import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { SignInForm } from '@/components/access/sign-in-form';
import { currentSession } from '@/lib/access/guard';
import { ownPath } from '@/lib/paths';

export const metadata: Metadata = { title: 'Sign in' };

export default async function SignInPage({ searchParams }: PageProps<'/sign-in'>) {
  const { token, next } = await searchParams;
  const path = ownPath(next);
  if (token === undefined && (await currentSession())) redirect(path ?? '/');
  return <SignInForm token={typeof token === 'string' ? token : ''} next={path} />;
}

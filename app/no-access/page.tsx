import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { NoAccess } from '@/components/access/no-access';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { currentSession } from '@/lib/access/guard';
import { findUser } from '@/lib/access/users';
import { ANYWHERE, roleIn } from '@/lib/grants';
import { paths } from '@/lib/paths';

export const metadata: Metadata = { title: 'No access' };

/** For people who are signed in without any role. Shows nothing but who they are. */
export default async function NoAccessPage() {
  const session = await currentSession();
  if (session === null) return <SignedOut />;
  if (roleIn(session.grants, ANYWHERE) !== null) redirect(paths.sandboxes());
  const user = await findUser(session.userId);
  return <NoAccess actor={session.actor} email={user?.email ?? null} />;
}

function SignedOut() {
  return (
    <main className="flex min-h-dvh flex-col">
      <NoticeColumn>
        <Notice title="You are signed out">
          <p>
            <Link href={paths.signIn(null)} className="text-accent underline">
              Sign in
            </Link>
          </p>
        </Notice>
      </NoticeColumn>
    </main>
  );
}

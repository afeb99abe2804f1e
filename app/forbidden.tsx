import { NoAccess } from '@/components/access/no-access';
import { PageForbidden } from '@/components/shell/page-forbidden';
import { currentSession } from '@/lib/access/guard';
import { findUser } from '@/lib/access/users';

/** Outside the shell: for somebody without any role, who cannot see the shell either. */
export default async function ForbiddenPage() {
  const session = await currentSession();
  if (session === null) return <PageForbidden />;
  const user = await findUser(session.userId);
  return <NoAccess actor={session.actor} email={user?.email ?? null} />;
}

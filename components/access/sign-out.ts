import { toast } from '@/components/ui/toast';
import { signOut } from '@/lib/access/actions';
import { leaveToSignIn } from '@/lib/live/socket';
import { pageStatus } from '@/lib/page-state';

/** Signs out in every tab of this session. Reports a failure: the person may be about to leave the computer. */
export function signOutEverywhere(): void {
  pageStatus().leaving();
  const complain = (description: string) => {
    pageStatus().stayed();
    toast.error('You are still signed in', { description });
  };
  signOut().then(
    (result) => (result.ok ? leaveToSignIn() : complain(result.error.message)),
    () => complain('The server could not be reached. Try again.'),
  );
}

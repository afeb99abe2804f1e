import { toast } from '@/components/ui/toast';
import { signOut } from '@/lib/access/actions';
import { leaveToSignIn } from '@/lib/live/socket';
import { pageStatus } from '@/lib/page-state';

/** Signs out in every tab of this session. Reports a failure: the person may be about to leave the computer. */
export function signOutEverywhere(): void {
  pageStatus().leaving();
  signOut().then(leaveToSignIn, () => {
    pageStatus().stayed();
    toast.error('You are still signed in', { description: 'The server could not be reached. Try again.' });
  });
}

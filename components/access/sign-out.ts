import { toast } from '@/components/ui/toast';
import { signOut } from '@/lib/access/actions';
import { leaveToSignIn, liveSocket } from '@/lib/live/socket';

/** Signs out in every tab of this session. Reports a failure: the person may be about to leave the computer. */
export function signOutEverywhere(): void {
  const signedOut = signOut();
  liveSocket().awaitSignOut(signedOut);
  signedOut.then(leaveToSignIn, () =>
    toast.error('You are still signed in', { description: 'The server could not be reached. Try again.' }),
  );
}

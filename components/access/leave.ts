import { toast } from 'sonner';
import { signOut } from '@/lib/access/actions';
import { leaveToSignIn, liveSocket } from '@/lib/live/socket';

/** Signs out, here and in every other tab of this session. That it failed must be seen: somebody may be about to go. */
export function leave(): void {
  const answer = signOut();
  liveSocket().awaitSignOut(answer);
  answer.then(leaveToSignIn, () =>
    toast.error('You are still signed in', { description: 'The server could not be reached. Try again.' }),
  );
}

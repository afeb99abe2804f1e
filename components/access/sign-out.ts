import { toast } from '@/components/ui/toast';
import { signOut } from '@/lib/access/actions';
import { answerOf } from '@/lib/answer';
import { leaveToSignIn } from '@/lib/live/socket';
import { pageStatus } from '@/lib/page-state';

/** Signs out in every tab of this session. Reports a failure: the person may be about to leave the computer. */
export async function signOutEverywhere(): Promise<void> {
  pageStatus().leaving();
  const result = await answerOf(signOut());
  if (result?.ok) {
    // The person also signs out at the provider, which sends them back.
    leaveToSignIn(result.value.continueAt ?? undefined);
    return;
  }
  pageStatus().stayed();
  toast.error('You are still signed in', {
    description: result?.error.message ?? 'The server could not be reached. Try again.',
  });
}

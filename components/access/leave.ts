import { signOut } from '@/lib/access/actions';
import { liveSocket } from '@/lib/live/socket';

/** Signs out, here and in every other tab of this session. */
export function leave(): void {
  liveSocket().awaitSignOut(signOut());
}

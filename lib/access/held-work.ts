import 'server-only';
import { SandkeeperError } from '../errors';
import type { Scope } from '../grants';
import type { Role } from '../roles';
import { singleton } from '../singleton';
import { isAdmissionLost } from './authority';
import type { Caller } from './guard';

/** A transfer or another answer that takes long, and what admitted it. */
type Held = { caller: Caller; role: Role; scope: Scope; end: (reason: SandkeeperError) => void };

const held = () => singleton('held-work', () => new Set<Held>());

/** Ends work with its session: calls `end` once the caller's session is over or the role is lost. Returns how to let go of it. */
export function endWithSession(work: Held): () => void {
  held().add(work);
  return () => held().delete(work);
}

/** Ends the work of sessions that are over. Call it when sessions or grants have changed. */
export async function recheckHeldWork(): Promise<void> {
  await Promise.all(
    [...held()].map(async (work) => {
      // If the database is down, the next change or check decides.
      const isLost = await isAdmissionLost(work.caller, work.role, work.scope).catch(() => false);
      if (!isLost || !held().delete(work)) return;
      work.end(
        new SandkeeperError(
          'unauthenticated',
          'Your session or your role ended meanwhile. Sign in and try again.',
        ),
      );
    }),
  );
}

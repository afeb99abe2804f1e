import 'server-only';
import { noteAccess } from '../../access/audit';
import type { Session } from '../../access/sessions';
import { singleton } from '../../singleton';

/** A preview reads a file range by range; that is one opening. */
const SAME_OPENING_MS = 5 * 60_000;
const MAX_KEPT = 10_000;

/** Notes that somebody has opened a file, once for all readings that belong together. */
export async function noteOpened(session: Session, sandboxId: string, path: string): Promise<void> {
  const openings = singleton('file-openings', () => new Map<string, number>());
  const key = JSON.stringify([session.id, sandboxId, path]);
  const nowMs = Date.now();
  if (nowMs - (openings.get(key) ?? 0) < SAME_OPENING_MS) return;
  await noteAccess(session, { kind: 'file-opened', sandboxId, path });
  // The latest stands last, so the first are the ones to forget.
  openings.delete(key);
  openings.set(key, nowMs);
  for (const oldest of openings.keys()) {
    if (openings.size <= MAX_KEPT) break;
    openings.delete(oldest);
  }
}

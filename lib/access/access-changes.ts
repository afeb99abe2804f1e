import 'server-only';
import { database } from '../db/client';
import { singleton } from '../singleton';
import { WorkLoop } from '../work-loop';

/**
 * Says that a session has ended, a person was disabled or grants have changed, in this process at once and in the others
 * within half a second, so that what followed from them ends within a second everywhere.
 */

const FOLLOW_EVERY_MS = 400;
const COUNTER = 1;

type Listeners = Set<() => void>;
const listeners = () => singleton<Listeners>('access-listeners', () => new Set());

/** Calls `listener` after each change, until the returned function is called. */
export function onRevocation(listener: () => void): () => void {
  listeners().add(listener);
  return () => listeners().delete(listener);
}

/** Call it after a change. Resolves when the other processes will see it. */
export async function announceChange(): Promise<void> {
  tellListeners();
  const db = await database();
  await db
    .updateTable('access_changes')
    .set((row) => ({ changes: row('changes', '+', 1) }))
    .where('id', '=', COUNTER)
    .execute();
}

/** The same for callers that go on at once. */
export function accessChanged(): void {
  announceChange().catch((error) => {
    console.error('Other servers notice a change of sessions or grants only with their next check:', error);
  });
}

function tellListeners(): void {
  for (const listener of listeners()) listener();
}

/** Follows the changes of other processes until the returned function is called. */
export function followChanges(everyMs = FOLLOW_EVERY_MS): () => Promise<void> {
  let known: number | null = null;
  const loop = new WorkLoop({
    work: async () => {
      const db = await database();
      const row = await db
        .selectFrom('access_changes')
        .select('changes')
        .where('id', '=', COUNTER)
        .executeTakeFirstOrThrow();
      const changes = Number(row.changes);
      if (known !== null && changes !== known) tellListeners();
      known = changes;
      return everyMs;
    },
    failureMessage: 'Changes of sessions and grants could not be read:',
  });
  loop.poke();
  return () => loop.close();
}

import 'server-only';
import { database } from '../../db/client';
import { announceChange } from '../access-changes';
import { noteSignIn } from '../audit';
import type { Who } from '../sessions';

/** Renames a person by themself. Their open pages show the new name with their next request. */
export async function renameSelf(who: Who, name: string): Promise<null> {
  if (name === who.actor) return null;
  await noteSignIn(who, { kind: 'person-renamed', detail: `to ${name}` });
  const db = await database();
  await db.updateTable('users').set({ name }).where('id', '=', who.userId).execute();
  await announceChange();
  return null;
}

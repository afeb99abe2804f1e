import 'server-only';
import { database } from '../../db/client';
import type { SavedArchive } from '../schema';

/** Where the files of this item were saved, or `null`. */
export async function findSaved(operationId: string, sandboxId: string): Promise<SavedArchive | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select('saved')
    .where('operation_id', '=', operationId)
    .where('sandbox_id', '=', sandboxId)
    .executeTakeFirst();
  return savedOf(row?.saved ?? null);
}

/** The latest archive of the files of a sandbox, by whichever operation. */
export async function findLastSaved(sandboxId: string): Promise<SavedArchive | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select('saved')
    .where('sandbox_id', '=', sandboxId)
    .where('saved', 'is not', null)
    .orderBy('updated_at_ms', 'desc')
    .executeTakeFirst();
  return savedOf(row?.saved ?? null);
}

/** The archive in `text`, as `recordSaved` wrote it. */
export function savedOf(text: string | null): SavedArchive | null {
  return text === null ? null : (JSON.parse(text) as SavedArchive);
}

import 'server-only';
import { database } from '../../db/client';
import type { ItemArchive } from '../schema';

export async function findArchive(operationId: string, sandboxId: string): Promise<ItemArchive | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select('saved')
    .where('operation_id', '=', operationId)
    .where('sandbox_id', '=', sandboxId)
    .executeTakeFirst();
  return parseItemArchive(row?.saved ?? null);
}

/** The latest archive of a sandbox from any operation, or `null`. */
export async function findLastArchive(sandboxId: string): Promise<ItemArchive | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select('saved')
    .where('sandbox_id', '=', sandboxId)
    .where('saved', 'is not', null)
    .orderBy('updated_at_ms', 'desc')
    .executeTakeFirst();
  return parseItemArchive(row?.saved ?? null);
}

/** Parses the column that `recordArchive` wrote. */
export function parseItemArchive(text: string | null): ItemArchive | null {
  return text === null ? null : (JSON.parse(text) as ItemArchive);
}

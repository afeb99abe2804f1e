import 'server-only';
import { database } from '../../db/client';
import type { SandboxKey } from '../../sandbox-key';
import type { ItemArchive } from '../schema';

/** The archive that the operation recorded for a sandbox, or `null`. */
export async function findArchiveOf(
  operationId: string,
  sandboxKey: SandboxKey,
): Promise<ItemArchive | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select('saved')
    .where('operation_id', '=', operationId)
    .where('sandbox_key', '=', sandboxKey)
    .executeTakeFirst();
  return parseItemArchive(row?.saved ?? null);
}

/** The sandbox whose archive the operation recorded under `name`, or `null`. */
export async function findArchived(operationId: string, name: string): Promise<SandboxKey | null> {
  const db = await database();
  const rows = await db
    .selectFrom('operation_items')
    .select(['sandbox_key', 'saved'])
    .where('operation_id', '=', operationId)
    .where('saved', 'like', `%${name}%`)
    .execute();
  return rows.find(({ saved }) => parseItemArchive(saved)?.name === name)?.sandbox_key ?? null;
}

/** The latest archive of a sandbox from any operation, or `null`. */
export async function findLastArchive(sandboxKey: SandboxKey): Promise<ItemArchive | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select('saved')
    .where('sandbox_key', '=', sandboxKey)
    .where('saved', 'is not', null)
    .orderBy('updated_at_ms', 'desc')
    .executeTakeFirst();
  return parseItemArchive(row?.saved ?? null);
}

/** Parses the column that `recordArchive` wrote. */
export function parseItemArchive(text: string | null): ItemArchive | null {
  return text === null ? null : (JSON.parse(text) as ItemArchive);
}

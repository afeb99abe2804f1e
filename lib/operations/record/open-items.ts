import 'server-only';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema';
import type { Outcome } from '../schema';

/** What the record of operations and the claims on its items share. */

/** Rows per statement: both databases limit how many values one may carry. */
export const CHUNK = 100;
/** The outcome of an item that nothing final is known of, claimed or not. */
export const OPEN: Outcome = 'waiting';

export function openItems(db: Kysely<Database>, operationId: string) {
  return db.selectFrom('operation_items').where('operation_id', '=', operationId).where('outcome', '=', OPEN);
}

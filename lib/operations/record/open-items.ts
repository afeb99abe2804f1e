import 'server-only';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema';
import { Leases } from '../../lease/leases';
import type { Outcome } from '../schema';

/** Rows per statement: both databases limit the number of values in one. */
export const CHUNK = 100;
/** The outcome of an item without a final one, claimed or not. */
export const OPEN: Outcome = 'waiting';

/** The claims of processes on open items. */
export const itemClaims = new Leases(
  'operation_items',
  sql`(outcome = ${sql.lit(OPEN)} and operation_id in (select id from operations where state = 'running'))`,
);

export function openItems(db: Kysely<Database>, operationId: string) {
  return db.selectFrom('operation_items').where('operation_id', '=', operationId).where('outcome', '=', OPEN);
}

import 'server-only';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Grants } from '../grants';
import type { ConnectionName } from '../sandbox-key';

/** Conditions of queries, so that a list holds only what the person may learn of. */

/** The connections that the person may learn of; `null`: all, also future ones. */
function seenConnections({ everywhere, on }: Grants): ConnectionName[] | null {
  return everywhere === null ? Object.keys(on) : null;
}

const NOTHING = sql<SqlBool>`1 = 0`;
const EVERYTHING = sql<SqlBool>`1 = 1`;

/**
 * Whether a column of operation ids names an operation that the person may learn of: one of which they see every
 * connection.
 */
export function seesOperation(grants: Grants, column: string): RawBuilder<SqlBool> {
  const names = seenConnections(grants);
  if (names === null) return EVERYTHING;
  if (names.length === 0) return NOTHING;
  const of = sql`select 1 from operation_connections as part where part.operation_id = ${sql.ref(column)}`;
  return sql<SqlBool>`(exists (${of}) and not exists (${of} and part.connection not in (${sql.join(names)})))`;
}

/** Whether a row of the access log is about a connection that the person sees. Other rows are for admins of everything. */
export function seesAccess(grants: Grants): RawBuilder<SqlBool> {
  const names = seenConnections(grants);
  if (names === null)
    return grants.everywhere === 'admin' ? EVERYTHING : sql<SqlBool>`connection is not null`;
  return names.length === 0 ? NOTHING : sql<SqlBool>`connection in (${sql.join(names)})`;
}

import 'server-only';
import { type Expression, type SqlBool, sql } from 'kysely';

/** Whether a column of keys names the sandbox `text`: a key, or an id in whatever connection. */
export function namesSandboxIn(column: string, text: string): Expression<SqlBool> {
  if (text.includes('/')) return sql<SqlBool>`${sql.ref(column)} = ${text}`;
  const ref = sql.ref(column);
  // `like` ignores case in SQLite.
  return sql<SqlBool>`substr(${ref}, length(${ref}) - ${sql.lit(text.length)}) = ${`/${text}`}`;
}

import 'server-only';
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';

/** The characters of the name of a connection. */
const NAME_CHARS = 'abcdefghijklmnopqrstuvwxyz0123456789-';

/**
 * `/ID` of a column of keys, written so that both databases know it. The tables that are searched by a bare id have an index
 * on exactly this, so a change needs a migration that replaces them.
 */
function bareIdIn(column: string): RawBuilder<string> {
  return sql<string>`ltrim(${sql.ref(column)}, ${sql.lit(NAME_CHARS)})`;
}

/** The connection of a column of keys. */
export function connectionIn(column: string): RawBuilder<string> {
  return sql<string>`substr(${sql.ref(column)}, 1, length(${sql.ref(column)}) - length(${bareIdIn(column)}))`;
}

/** Whether a column of keys names the sandbox `text`: a key, or an id in whatever connection. */
export function namesSandboxIn(column: string, text: string): Expression<SqlBool> {
  if (text.includes('/')) return sql<SqlBool>`${sql.ref(column)} = ${text}`;
  return sql<SqlBool>`${bareIdIn(column)} = ${`/${text}`}`;
}

import { sql } from 'kysely';
import { beforeAll, expect, it } from 'vitest';
import { WHOLE_ACCESS } from '../access/access-filter';
import { rowsOf } from '../access/audit';
import { seenWith } from '../fleet/find-id';
import { operationsOn } from '../operations/record/record';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir } from '../test-support/environment';
import { ALL } from '../test-support/people';
import { database } from './client';

setUpDataDir();

/** Enough rows for a database to prefer an index. */
const ROWS = 5_000;
const ID = 'i00000000000000004999';

type Query = { compile(): { sql: string; parameters: readonly unknown[] } };

describeOnDatabases('a search for a bare id', ({ url }) => {
  const isPostgres = () => url().startsWith('postgres');

  /** The plan of a query, with the parameters that it is sent with. */
  async function planOf(query: Query): Promise<string> {
    const { sql: text, parameters } = query.compile();
    const [first = '', ...others] = text.split(isPostgres() ? /\$\d+/ : '?');
    const bound = others.reduce(
      (whole, part, at) => sql`${whole}${parameters[at]}${sql.raw(part)}`,
      sql`${sql.raw(first)}`,
    );
    const { rows } = await sql`${sql.raw(isPostgres() ? 'explain' : 'explain query plan')} ${bound}`.execute(
      await database(),
    );
    return JSON.stringify(rows);
  }

  beforeAll(async () => {
    const db = await database();
    const digits = sql<number>`(select ${sql.lit(0)} as n${sql.raw(
      Array.from({ length: 9 }, (_, at) => ` union all select ${at + 1}`).join(''),
    )})`;
    const numbers = sql`(select a.n + 10 * b.n + 100 * c.n + 1000 * d.n as n
      from ${digits} a, ${digits} b, ${digits} c, ${digits} d)`;
    const key = isPostgres()
      ? sql`case when x.n % 2 = 0 then 'prod' else 'e2b-2' end || '/i' || lpad(x.n::text, 20, '0')`
      : sql`case when x.n % 2 = 0 then 'prod' else 'e2b-2' end || '/i' || printf('%020d', x.n)`;
    const limit = sql`where x.n < ${sql.lit(ROWS)}`;
    await sql`insert into first_starts (sandbox_key, first_started_at_ms)
      select ${key}, 1 from ${numbers} x ${limit}`.execute(db);
    await sql`insert into operations (id, act, params, actor, filter, state, created_at_ms, reason, starts_at_ms)
      values ('op', 'kill', '{}', 'ana', '', 'finished', 1, '', 1)`.execute(db);
    await sql`insert into operation_items
      (operation_id, sandbox_key, position, sandbox, outcome, updated_at_ms, claimed_until_ms)
      select 'op', ${key}, x.n, '{}', 'done', 1, 0 from ${numbers} x ${limit}`.execute(db);
    const name = isPostgres() ? sql`x.n::text` : sql`x.n`;
    await sql`insert into access_log (id, at_ms, kind, connection, sandbox_key)
      select ${name}, x.n, 'file-read', 'prod', ${key} from ${numbers} x ${limit}`.execute(db);
    await sql`analyze`.execute(db);
  });

  it('uses an index in every table', async () => {
    const db = await database();
    const seen = await planOf(seenWith(db, ID));
    expect(seen).toContain('first_starts_by_bare_id');
    expect(seen).toContain('operation_items_by_bare_id');
    expect(seen).not.toMatch(/Seq Scan|SCAN (first_starts|operation_items)/);
    expect(await planOf(operationsOn(db, ID))).toContain('operation_items_by_bare_id');
    const accesses = rowsOf(db, { ...WHOLE_ACCESS, sandbox: ID }, ALL, 0, 50);
    expect(await planOf(accesses)).toContain('access_log_by_bare_id');
  });

  it('finds the key in whatever connection it is, and nothing that only ends or begins like it', async () => {
    const db = await database();
    expect(await seenWith(db, ID).execute()).toEqual([{ sandbox_key: `e2b-2/${ID}` }]);
    for (const id of [ID.slice(1), `${ID}0`, ID.toUpperCase(), `2/${ID}`])
      expect(await seenWith(db, id).execute()).toEqual([]);
    expect(await operationsOn(db, `prod/${ID}`).execute()).toEqual([]);
    expect(await operationsOn(db, `e2b-2/${ID}`).execute()).toHaveLength(1);
  });
});

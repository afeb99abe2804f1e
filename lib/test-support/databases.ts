import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDatabase } from '../db/client';
import { createPostgresDatabase, hasPostgres } from './postgres';

type TestDatabase = { url: string; drop: () => Promise<void> };

async function createEmbeddedDatabase(): Promise<TestDatabase> {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-db-'));
  return {
    url: `file:${join(dir, 'sandkeeper.db')}`,
    drop: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Runs `suite` on an empty embedded database and, if `TEST_DATABASE_URL` is set, on an empty PostgreSQL database. */
export function describeOnDatabases(name: string, suite: (database: { url: () => string }) => void): void {
  const kinds: [string, () => Promise<TestDatabase>][] = [['embedded', createEmbeddedDatabase]];
  if (hasPostgres) kinds.push(['Postgres', createPostgresDatabase]);
  else console.log(`Skipped on PostgreSQL (TEST_DATABASE_URL is not set): ${name}`);
  describe.each(kinds)(`${name} (%s)`, (_, create) => {
    let created: TestDatabase | undefined;
    beforeAll(async () => {
      created = await create();
      // `database()` keeps its connection here.
      const opening = openDatabase(created.url);
      Reflect.set(globalThis, Symbol.for('sandkeeper.database'), { opening });
      await opening;
    });
    afterAll(async () => {
      const holder: { opening?: ReturnType<typeof openDatabase> } = Reflect.get(
        globalThis,
        Symbol.for('sandkeeper.database'),
      );
      await (await holder.opening)?.destroy();
      await created?.drop();
    });
    suite({ url: () => created?.url ?? '' });
  });
}

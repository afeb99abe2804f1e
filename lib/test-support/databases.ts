import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDatabase } from '../db/client';
import { createPostgresDatabase, hasPostgres } from './postgres';

type Made = { url: string; drop: () => Promise<void> };

async function createEmbeddedDatabase(): Promise<Made> {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-db-'));
  return {
    url: `file:${join(dir, 'sandkeeper.db')}`,
    drop: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

/**
 * Runs `suite` on an embedded database and, where `TEST_DATABASE_URL` names a server, on PostgreSQL, each time on an
 * empty database of its own. `url` tells which one it is.
 */
export function describeOnDatabases(name: string, suite: (database: { url: () => string }) => void): void {
  const kinds: [string, () => Promise<Made>][] = [['embedded', createEmbeddedDatabase]];
  if (hasPostgres) kinds.push(['Postgres', createPostgresDatabase]);
  else console.log(`Skipped on Postgres, because TEST_DATABASE_URL is not set: ${name}`);
  describe.each(kinds)(`${name} (%s)`, (_, make) => {
    let made: Made | undefined;
    beforeAll(async () => {
      made = await make();
      // Where `database()` looks for the connection of this process.
      const opening = openDatabase(made.url);
      Reflect.set(globalThis, Symbol.for('sandkeeper.database'), { opening });
      await opening;
    });
    afterAll(async () => {
      const holder: { opening?: ReturnType<typeof openDatabase> } = Reflect.get(
        globalThis,
        Symbol.for('sandkeeper.database'),
      );
      await (await holder.opening)?.destroy();
      await made?.drop();
    });
    suite({ url: () => made?.url ?? '' });
  });
}

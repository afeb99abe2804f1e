import { randomBytes } from 'node:crypto';
import pg from 'pg';

const SERVER_URL = process.env.TEST_DATABASE_URL;

/** `.ci/run` starts a server; `npm test` alone does not need one. */
export const hasPostgres = Boolean(SERVER_URL);

/** Creates an empty database. `drop` removes it despite open connections. */
export async function createPostgresDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  if (!SERVER_URL) throw new Error('TEST_DATABASE_URL is not set.');
  const name = `sandkeeper_test_${randomBytes(6).toString('hex')}`;
  await onServer(SERVER_URL, `create database ${name}`);
  const url = new URL(SERVER_URL);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(SERVER_URL, `drop database if exists ${name} with (force)`) };
}

async function onServer(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

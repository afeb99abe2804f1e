import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDatabase } from '../db/client';

type Started = { url: string; stop: () => Promise<void> };

const POSTGRES_HOMES = '/usr/lib/postgresql';

/** The directory of the newest installed Postgres' programs, or `null`. */
function findPostgres(): string | null {
  if (!existsSync(POSTGRES_HOMES)) return null;
  const versions = readdirSync(POSTGRES_HOMES).sort((a, b) => Number(b) - Number(a));
  const bin = versions.map((version) => join(POSTGRES_HOMES, version, 'bin'));
  return bin.find((dir) => existsSync(join(dir, 'postgres')) && existsSync(join(dir, 'initdb'))) ?? null;
}

/** Postgres refuses to run as root; then it runs as its own user, or as nobody. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return { uid: Number(user?.[2] ?? 65_534), gid: Number(user?.[3] ?? 65_534) };
}

/** Starts a cluster of its own that listens to a socket in its temporary directory and nothing else. */
async function startPostgres(bin: string): Promise<Started> {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-pg-'));
  const as = unprivileged();
  if (as.uid !== undefined && as.gid !== undefined) chownSync(dir, as.uid, as.gid);
  const data = join(dir, 'data');
  const quick = ['--auth=trust', '--no-sync', '--username=postgres', '--encoding=UTF8', '--locale=C'];
  execFileSync(join(bin, 'initdb'), ['-D', data, ...quick], { ...as, cwd: dir, stdio: 'pipe' });
  const options = ['-c', 'listen_addresses=', '-c', 'fsync=off', '-k', dir];
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...options], { ...as, cwd: dir, stdio: 'pipe' });
  await saysReady(server);
  return {
    url: `postgres://postgres@localhost/postgres?host=${encodeURIComponent(dir)}`,
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      // Its fast shutdown: it ends the connections itself.
      if (server.exitCode === null && server.kill('SIGINT')) await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function saysReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.stderr?.on('data', (chunk) => {
      log += chunk;
      if (log.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`Postgres did not start: ${log}`)));
  });
}

function startEmbedded(): Started {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-db-'));
  return {
    url: `file:${join(dir, 'sandkeeper.db')}`,
    stop: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Runs `suite` on each kind of database there is here; `url` tells which one it is. */
export function describeOnDatabases(name: string, suite: (database: { url: () => string }) => void): void {
  const bin = findPostgres();
  const kinds: [string, () => Promise<Started>][] = [['embedded', async () => startEmbedded()]];
  if (bin) kinds.push(['Postgres', () => startPostgres(bin)]);
  else console.log(`Skipped on Postgres, which is not installed: ${name}`);
  describe.each(kinds)(`${name} (%s)`, (_, start) => {
    let started: Started | undefined;
    beforeAll(async () => {
      started = await start();
      // Where `database()` looks for the connection of this process.
      const opening = openDatabase(started.url);
      Reflect.set(globalThis, Symbol.for('sandkeeper.database'), { opening });
      await opening;
    });
    afterAll(async () => {
      const holder: { opening?: ReturnType<typeof openDatabase> } = Reflect.get(
        globalThis,
        Symbol.for('sandkeeper.database'),
      );
      await (await holder.opening)?.destroy();
      await started?.stop();
    });
    suite({ url: () => started?.url ?? '' });
  });
}

// @ts-check
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { aptInstall } from './apt.mjs';
import { signalGroup, startProcess } from './children.mjs';
import { tryQuietly } from './commands.mjs';

/** The programs of each version on Debian and its derivatives, which are not in PATH. */
const homes = '/usr/lib/postgresql';
const readyWithinMs = 60_000;

/** @returns {string | undefined} the folder of the newest installed PostgreSQL's programs */
function findPrograms() {
  const versions = fs.existsSync(homes) ? fs.readdirSync(homes) : [];
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(homes, version, 'bin'))
    .find((folder) => ['postgres', 'initdb'].every((name) => fs.existsSync(path.join(folder, name))));
}

/** PostgreSQL refuses to run as root; then it runs as its own user. @returns {{ uid?: number, gid?: number }} */
function unprivileged() {
  if (process.getuid?.() !== 0) return {};
  const users = fs.readFileSync('/etc/passwd', 'utf8').split('\n');
  const [, , uid, gid] = users.find((line) => line.startsWith('postgres:'))?.split(':') ?? [];
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) };
}

/**
 * Starts PostgreSQL in a temporary directory and installs it first if that needs no password. It listens only on a socket in
 * that directory, does not sync to disk, and ends with this process.
 * @returns {Promise<string | undefined>} its address, or undefined if it is not installed
 */
export async function providePostgres() {
  if (!findPrograms()) await aptInstall('postgresql', 'the database tests run on it, too');
  const programs = findPrograms();
  return programs && startPostgres(programs);
}

/** @param {string} programs @returns {Promise<string | undefined>} */
async function startPostgres(programs) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-pg-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const as = unprivileged();
  if (as.uid !== undefined && as.gid !== undefined) fs.chownSync(folder, as.uid, as.gid);
  const data = path.join(folder, 'data');
  const quick = ['--auth=trust', '--no-sync', '--username=postgres', '--encoding=UTF8', '--locale=C'];
  const initdb = path.join(programs, 'initdb');
  if (!(await tryQuietly('Preparing PostgreSQL', initdb, ['-D', data, ...quick], { ...as, cwd: folder })))
    return undefined;
  const settings = ['listen_addresses=', 'fsync=off', 'max_connections=300'].flatMap((each) => ['-c', each]);
  const child = startProcess(path.join(programs, 'postgres'), ['-D', data, '-k', folder, ...settings], {
    ...as,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (!(await saysReady(child))) return undefined;
  return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`;
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<boolean>} */
function saysReady(child) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), readyWithinMs);
    child.once('exit', () => resolve(false));
    // Keep reading, or a full pipe would block the server.
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      if (!text.includes('ready to accept connections')) return;
      clearTimeout(timer);
      resolve(true);
    });
  });
}

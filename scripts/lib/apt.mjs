// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { tryQuietly } from './commands.mjs';

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} where PATH has this command
 */
function findInPath(name, env = process.env) {
  return (env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find((file) => fs.existsSync(file));
}

let isListFresh = false;

/**
 * Installs a system package where that takes no password: as root on Debian and its relatives.
 * @param {string} name
 * @returns {Promise<boolean>} whether it is installed now
 */
export async function aptInstall(name) {
  if (process.getuid?.() !== 0 || !findInPath('apt-get')) return false;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if (!isListFresh) {
    isListFresh = await tryQuietly('Updating the package list', 'apt-get', ['update'], {
      env,
      timeoutMs: 180_000,
    });
  }
  const args = ['install', '-y', '--no-install-recommends', name];
  return tryQuietly(`Installing ${name}`, 'apt-get', args, { env, timeoutMs: 600_000 });
}

/** Provides bubblewrap, in which the local engine runs a sandbox's processes. Answers whether it is there now. */
export async function provideBubblewrap() {
  return Boolean(findInPath('bwrap')) || (await aptInstall('bubblewrap'));
}

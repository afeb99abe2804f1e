// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { tryQuietly } from './commands.mjs';
import { loadEnvFile } from './env-file.mjs';
import { inRoot } from './paths.mjs';
import { complain, dim } from './terminal.mjs';

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} the path of the command
 */
function findInPath(name, env = process.env) {
  return (env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find((file) => fs.existsSync(file));
}

/** Whether `SANDKEEPER_NO_INSTALL=1`, in the environment or in `.env`, forbids installing system packages. */
function isInstallForbidden() {
  const env = { ...process.env };
  loadEnvFile(inRoot('.env'), env);
  return env.SANDKEEPER_NO_INSTALL === '1';
}

let isListFresh = false;

/**
 * Installs a system package if that needs no password, which is as root on Debian and its derivatives. Prints the package and
 * the purpose in one line.
 * @param {string} name
 * @param {string} purpose completes "Installing NAME with apt-get: …"
 * @returns {Promise<boolean>} whether the package is installed
 */
export async function aptInstall(name, purpose) {
  if (process.getuid?.() !== 0 || !findInPath('apt-get')) return false;
  if (isInstallForbidden()) {
    complain(dim(`Not installing ${name} (${purpose}), because SANDKEEPER_NO_INSTALL is 1.`));
    return false;
  }
  complain(
    dim(`Installing ${name} with apt-get: ${purpose}. Set SANDKEEPER_NO_INSTALL=1 to install nothing.`),
  );
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

/** Provides bubblewrap and returns whether it is installed. */
export async function provideBubblewrap() {
  if (findInPath('bwrap')) return true;
  return aptInstall('bubblewrap', 'the local engine isolates the processes of its sandboxes with it');
}

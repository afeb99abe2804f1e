// @ts-check
import fs from 'node:fs';
import path from 'node:path';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockEntry */

/** @param {string[] | undefined} allowed a list as in package-lock.json, where `!name` excludes @param {string} actual */
function allows(allowed, actual) {
  if (!allowed?.length) return true;
  const named = allowed.filter((entry) => !entry.startsWith('!'));
  return !allowed.includes(`!${actual}`) && (named.length === 0 || named.includes(actual));
}

function usesGlibc() {
  const report = /** @type {any} */ (process.report?.getReport());
  return Boolean(report?.header?.glibcVersionRuntime);
}

/** @param {LockEntry} entry */
const isForPlatform = ({ os, cpu, libc }) => Boolean(os ?? cpu ?? libc);

/** @param {LockEntry} entry */
function fitsThisMachine({ os, cpu, libc }) {
  const fitsLibc = process.platform !== 'linux' || allows(libc, usesGlibc() ? 'glibc' : 'musl');
  return allows(os, process.platform) && allows(cpu, process.arch) && fitsLibc;
}

/**
 * Whether npm has installed exactly the locked packages since `sinceMs`, as after an `npm install` by hand. npm records what
 * it installed in `node_modules/.package-lock.json`.
 * @param {string} root
 * @param {number} sinceMs epoch milliseconds
 */
export function hasNpmInstalled(root, sinceMs) {
  const noteFile = path.join(root, 'node_modules', '.package-lock.json');
  if (!fs.existsSync(noteFile) || fs.statSync(noteFile).mtimeMs < sinceMs) return false;
  /** @type {[Record<string, LockEntry>, Record<string, LockEntry>]} */
  const [locked, installed] = /** @type {any} */ (
    [path.join(root, 'package-lock.json'), noteFile].map(
      (file) => JSON.parse(fs.readFileSync(file, 'utf8')).packages ?? {},
    )
  );
  return Object.entries(locked).every(([where, entry]) => {
    if (where === '') return true;
    const found = installed[where];
    // An optional package without a platform belongs to a package with one, which is checked itself.
    if (!found) return Boolean(entry.optional) && (!isForPlatform(entry) || !fitsThisMachine(entry));
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

// @ts-check
import fs from 'node:fs';
import path from 'node:path';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockEntry */

/** @param {string[] | undefined} allowed npm's list, where `!name` excludes @param {string} actual */
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
 * Whether npm itself has, since `sinceMs`, put exactly the locked packages into node_modules: then a person who ran
 * `npm install` by hand need not wait for it again. npm notes what it installed in `node_modules/.package-lock.json`.
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
    // An optional package without a platform of its own belongs to one that has, so that one decides.
    if (!found) return Boolean(entry.optional) && (!isForPlatform(entry) || !fitsThisMachine(entry));
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

// @ts-check
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Nothing done under the lock takes this long, so an older one was left behind (and its pid belongs to a stranger). */
const staleAfterMs = 30 * 60_000;

/** @typedef {{ host: string, since: number, pids: number[] }} Owner a negative pid stands for a process group */

/** @param {number} pid negative for a process group */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** @param {Owner} owner */
function isStale(owner) {
  if (Date.now() - owner.since > staleAfterMs) return true;
  return owner.host === os.hostname() && owner.pids.every((pid) => pid === process.pid || !isAlive(pid));
}

/**
 * @param {string} file
 * @returns {Owner | undefined}
 */
function readOwner(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Creates the lock with its content in one step: a link either appears whole or not at all.
 * @param {string} file
 * @param {Owner} owner
 */
function tryCreate(file, owner) {
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, JSON.stringify(owner));
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/**
 * Takes a dead owner's lock away. Two may try at once, and the slower one may catch the quicker one's new lock instead:
 * then it is put back.
 * @param {string} file
 */
function removeStale(file) {
  const caught = `${file}.${process.pid}.stale`;
  try {
    fs.renameSync(file, caught);
    const owner = readOwner(caught);
    if (owner && !isStale(owner)) fs.linkSync(caught, file);
  } catch {
    // Somebody else was quicker.
  }
  fs.rmSync(caught, { force: true });
}

/**
 * Runs `work` while no other process of this checkout does: two commands started at once must not install or build
 * into each other.
 * @template T
 * @param {string} file
 * @param {(lock: { keepFor: (child: { pid?: number }) => void }) => Promise<T>} work `keepFor` names a process group
 *   that goes on writing should this process be killed: the lock then holds until that has ended too
 * @param {(owner: Owner) => void} onWait called once when somebody else holds it
 * @returns {Promise<T>}
 */
export async function withLock(file, work, onWait) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const owner = { host: os.hostname(), since: Date.now(), pids: [process.pid] };
  for (let hasWaited = false; !tryCreate(file, owner); owner.since = Date.now()) {
    const other = readOwner(file);
    if (!other || isStale(other)) {
      removeStale(file);
      continue;
    }
    if (!hasWaited) onWait(other);
    hasWaited = true;
    await sleep(200);
  }
  const release = () => fs.rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work({
      keepFor(child) {
        if (child.pid === undefined) return;
        owner.pids.push(-child.pid);
        fs.writeFileSync(`${file}.${process.pid}`, JSON.stringify(owner));
        fs.renameSync(`${file}.${process.pid}`, file);
      },
    });
  } finally {
    process.off('exit', release);
    release();
  }
}

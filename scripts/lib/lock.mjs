// @ts-check
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** No work takes this long. An older lock was left behind, and its pid may belong to another program now. */
const staleAfterMs = 30 * 60_000;

/** @typedef {{ host: string, since: number, pids: number[] }} Owner a negative pid is a process group */

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
 * Creates the lock together with its content. A hard link appears whole or not at all.
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
 * Removes the lock of a dead owner. Of two processes that try, the slower one may move the new lock of the faster one, and
 * puts it back.
 * @param {string} file
 */
function removeStale(file) {
  const caught = `${file}.${process.pid}.stale`;
  try {
    fs.renameSync(file, caught);
    const owner = readOwner(caught);
    if (owner && !isStale(owner)) fs.linkSync(caught, file);
  } catch {
    // Another process removed it first.
  }
  fs.rmSync(caught, { force: true });
}

/**
 * Runs `work` while no other process of this checkout does, so that two commands do not install or build at the same time.
 * @template T
 * @param {string} file
 * @param {(lock: { keepFor: (child: { pid?: number }) => void }) => Promise<T>} work `keepFor` adds a process group
 *   that keeps writing if this process is killed: the lock then holds until that group has ended, too
 * @param {(owner: Owner) => void} onWait called once if another process holds the lock
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

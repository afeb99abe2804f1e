import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from './lib/lock.mjs';

const lockModule = new URL('./lib/lock.mjs', import.meta.url).href;
let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-lock-'));
  file = path.join(folder, 'deeper', 'lock');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Writes a lock with the given owner. */
function leaveLock(owner: { pids: number[]; since?: number; host?: string }) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify({ host: os.hostname(), since: Date.now(), ...owner }));
}

/** Returns the pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await new Promise((done) => child.once('exit', done));
  return child.pid as number;
}

const never = () => {
  throw new Error('should not have waited');
};

describe('withLock', () => {
  it('holds during the work and is released afterwards, also after an error', async () => {
    expect(await withLock(file, async () => fs.existsSync(file), never)).toBe(true);
    expect(fs.existsSync(file)).toBe(false);
    await expect(withLock(file, () => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
    expect(fs.readdirSync(path.dirname(file))).toEqual([]);
  });

  it.each([
    ['a process that has ended', async () => ({ pids: [await deadPid()] })],
    [
      'another machine, long ago',
      async () => ({ pids: [process.ppid], host: 'elsewhere', since: Date.now() - 3_600_000 }),
    ],
  ])('takes over from %s', async (_, owner) => {
    leaveLock(await owner());
    expect(await withLock(file, async () => 'done', never)).toBe('done');
  });

  it('takes over an unreadable lock', async () => {
    leaveLock({ pids: [process.ppid] });
    fs.writeFileSync(file, '{');
    expect(await withLock(file, async () => 'done', never)).toBe('done');
  });

  it('waits for a running owner and reports it once', async () => {
    leaveLock({ pids: [process.ppid] });
    const waits: number[][] = [];
    const work = withLock(
      file,
      async () => 'done',
      (owner) => {
        waits.push(owner.pids);
        setTimeout(() => fs.rmSync(file), 500);
      },
    );
    expect(await work).toBe('done');
    expect(waits).toEqual([[process.ppid]]);
  });

  it('holds until the process group of a killed owner has ended', async () => {
    const worker = spawn('sleep', ['60'], { detached: true });
    const workerPid = worker.pid as number;
    leaveLock({ pids: [await deadPid(), -workerPid] });
    let waited = false;
    const work = withLock(
      file,
      async () => 'done',
      () => {
        waited = true;
        worker.kill();
      },
    );
    expect(await work).toBe('done');
    expect(waited).toBe(true);
  });

  it('admits one process at a time after taking over a stale lock', async () => {
    leaveLock({ pids: [await deadPid()] });
    const log = path.join(folder, 'log');
    const program = `
      import fs from 'node:fs';
      import { withLock } from ${JSON.stringify(lockModule)};
      await withLock(${JSON.stringify(file)}, async () => {
        fs.appendFileSync(${JSON.stringify(log)}, 'in ');
        await new Promise((done) => setTimeout(done, 30));
        fs.appendFileSync(${JSON.stringify(log)}, 'out ');
      }, () => {});`;
    const crowd = Array.from({ length: 8 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
      return new Promise((done) => child.once('exit', done));
    });
    expect(await Promise.all(crowd)).toEqual(Array(8).fill(0));
    expect(fs.readFileSync(log, 'utf8')).toBe('in out '.repeat(8));
  });
});

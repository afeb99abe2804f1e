import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { measureTree } from '../safe-fs/disk-use';
import { privateBytes } from './meter';
import { scanOpenFiles } from './open-files';
import { canRun, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

const QUOTA_MB = 60;
const MEBIBYTE = 1024 * 1024;
/** A busy machine lets the guard wait, and the programs as well. Without a limit each of these takes 4 GB or more. */
const MAX_OVERSHOOT_MB = 2_000;

/** Each goes on for as long as it is allowed to. */
const FILLERS = {
  'from several processes at once':
    'for p in 1 2 3 4; do (for n in $(seq 40); do head -c 50M /dev/zero >f$p-$n || exit 9; done) & done; wait; exit 9',
  'in files that are deleted but open': `exec python3 -c "
import os
held = []
for n in range(80):
    file = open('deleted', 'wb'); os.unlink('deleted'); held.append(file)
    file.write(bytes(50 << 20)); file.flush()
print('survived')"`,
};

/** Each takes eight times the memory of its sandbox. */
const EATERS = {
  'in one process': eater(1),
  'in sixteen processes': eater(16),
  'in files without a name': `exec python3 -c "
import os, time
for n in range(512):
    os.write(os.memfd_create('held'), bytes(8 << 20))
print('survived')"`,
};

function eater(processes: number): string {
  return `exec python3 -c "
import os, time
for n in range(${processes - 1}):
    if os.fork() == 0: break
held = [bytearray(b'x') * (8 << 20) for n in range(${512 / processes})]
time.sleep(3); print('survived')"`;
}

/** Where the machine permits control groups, they limit memory. Elsewhere the engine itself does. */
describe.runIf(canRun).each([
  { by: 'the kernel or the engine', useCgroups: true },
  { by: 'the engine alone', useCgroups: false },
])('limits that are kept by $by', ({ useCgroups }) => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine({ useCgroups, diskQuotaMB: QUOTA_MB });
  });

  const logged = (id: string, start: string) =>
    until(async () => (await engine.logs(id)).some(({ message }) => message.startsWith(start)));

  /** Runs a command and returns its error, and the highest value of `read` meanwhile. */
  async function watch(sandbox: Sandbox, command: string, read: () => number | Promise<number>) {
    let peak = 0;
    let isRunning = true;
    const watching = (async () => {
      while (isRunning) {
        peak = Math.max(peak, await read());
        await delay(20);
      }
    })();
    const error: unknown = await sandbox.commands.run(command, { timeoutMs: 0 }).catch((thrown) => thrown);
    isRunning = false;
    await watching;
    return { error, peak };
  }

  // The kernel does not see whose the files without a name are.
  const eaters = Object.entries(EATERS).slice(...(useCgroups ? [0, 2] : [1]));
  test.each(eaters)('end processes that take too much memory %s', async (_, command) => {
    const sandbox = await engine.create();
    const id = sandbox.sandboxId;
    const { memoryMB } = (await engine.api('GET', `/sandboxes/${id}`)).json as { memoryMB: number };
    const small = await sandbox.commands.run('sleep 60', { background: true, timeoutMs: 0 });
    const { error, peak } = await watch(sandbox, command, () => {
      const pids = engine.processes(id).map(({ pid }) => pid);
      const nameless = [...scanOpenFiles(pids, 0).memoryBytes.values()].reduce(
        (sum, bytes) => sum + bytes,
        0,
      );
      return pids.reduce((sum, pid) => sum + privateBytes(pid), 0) + nameless;
    });
    expect(error).toMatchObject({ error: 'signal: killed', stdout: '' });
    expect(peak / MEBIBYTE).toBeLessThan(memoryMB + MAX_OVERSHOOT_MB);
    await logged(id, 'Out of memory');
    // Of many processes the kernel may choose the agent, which ends all.
    if (!useCgroups || command === EATERS['in one process'])
      expect((await sandbox.commands.list()).map(({ pid }) => pid)).toContain(small.pid);
    await sandbox.kill();
  });

  // Only the way to stop the processes differs.
  const fillers = Object.entries(FILLERS).slice(0, useCgroups ? 1 : undefined);
  test.each(fillers)('end processes that fill the disk %s', async (_, command) => {
    const sandbox = await engine.create();
    const id = sandbox.sandboxId;
    await sandbox.commands.run('true');
    const device = statSync(`${engine.guestDir(id)}/root`).dev;
    const { error, peak } = await watch(sandbox, command, async () => {
      const { usedBytes } = await measureTree(`${engine.guestDir(id)}/root`);
      const pids = engine.processes(id).map(({ pid }) => pid);
      return usedBytes + scanOpenFiles(pids, device).deletedBytes;
    });
    expect(error).toMatchObject({ stdout: '' });
    expect(peak / MEBIBYTE).toBeLessThan(QUOTA_MB + MAX_OVERSHOOT_MB);
    await logged(id, 'No space left');
    await sandbox.kill();
  });

  test.skipIf(useCgroups)(
    'end a process that creates more small files than its disk has room for',
    async () => {
      const sandbox = await engine.create();
      const { error } = await watch(
        sandbox,
        `exec python3 -c "
for n in range(4000000):
    open('s%d' % n, 'w').write('x')"`,
        () => 0,
      );
      expect(error).toMatchObject({ error: 'signal: killed' });
      await logged(sandbox.sandboxId, 'No space left');
      await sandbox.kill();
    },
  );

  test('end a file at the size of the disk, and let a full sandbox write again once it has space', async () => {
    const sandbox = await engine.create();
    await expect(
      sandbox.commands.run(`head -c ${2 * QUOTA_MB}M /dev/zero >one`, { timeoutMs: 0 }),
    ).rejects.toMatchObject({
      stdout: '',
    });
    const written = await sandbox.commands.run('stat -c %s one');
    expect(Number(written.stdout)).toBeLessThanOrEqual(QUOTA_MB * MEBIBYTE);
    await sandbox.commands.run('rm one');
    // Holes take nothing.
    await sandbox.commands.run('for n in $(seq 40); do truncate -s 50M hole-$n; done; rm hole-*');
    await expect(
      sandbox.commands.run('for n in $(seq 1000); do head -c 4M /dev/urandom >many-$n || exit 9; done'),
    ).rejects.toThrow();
    // A full disk takes no more, whoever writes.
    await until(async () => {
      const { exitCode } = await sandbox.commands
        .run('head -c 40M /dev/zero >more')
        .catch((thrown: { exitCode: number }) => thrown);
      return exitCode !== 0;
    });
    await sandbox.commands.run('rm -f more many-*');
    const again = await sandbox.commands.run('head -c 40M /dev/zero >again && stat -c %s again');
    expect(again.stdout).toBe(`${40 * MEBIBYTE}\n`);
    await sandbox.kill();
  });

  test('are named in one line at the start where the kernel does not keep them', () => {
    const lines = engine.notes.filter((note) => note.startsWith('The kernel does not limit'));
    expect(lines).toHaveLength(1);
    const list = useCgroups ? /(memory|CPU time|disk)/ : /limit the memory, CPU time and disk of sandboxes/;
    expect(lines[0]).toMatch(list);
  });

  test.runIf(useCgroups)('are set in the control groups that the machine permits', async () => {
    const sandbox = await engine.create();
    const { json } = await engine.api('GET', `/sandboxes/${sandbox.sandboxId}`);
    const { memoryMB, cpuCount } = json as { memoryMB: number; cpuCount: number };
    await sandbox.commands.run('true');
    const groups = readFileSync(`/proc/${engine.init(sandbox.sandboxId)?.pid}/cgroup`, 'utf8');
    const inGroup = (controller: string, file: string) => {
      const [, path = ''] = new RegExp(`^\\d+:${controller}:(.*sandkeeper-.*)$`, 'm').exec(groups) ?? [];
      return path && readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, 'utf8').trim();
    };
    const found = [
      inGroup('memory', 'memory.limit_in_bytes'),
      inGroup('cpu', 'cpu.cfs_quota_us'),
      inGroup('pids', 'pids.max'),
    ];
    const expected = [String(memoryMB * MEBIBYTE), String(cpuCount * 100_000), '512'];
    for (const [index, value] of found.entries()) expect(['', expected[index]]).toContain(value);
    await sandbox.kill();
  });
});

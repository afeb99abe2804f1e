import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { measureDirectory } from '../safe-fs/disk-use';
import { canRun, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

const QUOTA_MB = 60;
const MEBIBYTE = 1024 * 1024;

/** Where the machine permits control groups, they limit memory. Elsewhere the engine itself does. */
describe.runIf(canRun).each([
  { by: 'the kernel or the engine', useCgroups: true },
  { by: 'the engine alone', useCgroups: false },
])('limits that are kept by $by', ({ useCgroups }) => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine({ useCgroups, diskQuotaMB: QUOTA_MB });
  });

  const messages = async (id: string) => (await engine.logs(id)).map(({ message }) => message);

  test('end a process that takes more than the memory of its sandbox', async () => {
    const sandbox = await engine.create();
    const { memoryMB } = (await engine.api('GET', `/sandboxes/${sandbox.sandboxId}`)).json as {
      memoryMB: number;
    };
    const small = await sandbox.commands.run('sleep 60', { background: true, timeoutMs: 0 });
    const script = `
import time
held = []
for _ in range(${memoryMB * 2} // 8):
    held.append(bytearray(b'x') * (8 << 20)); time.sleep(0.02)
print('survived')`;
    await sandbox.files.write('/tmp/eat.py', script);
    const eater = sandbox.commands.run('exec python3 /tmp/eat.py', { timeoutMs: 120_000 });
    await expect(eater).rejects.toMatchObject({ error: 'signal: killed', stdout: '' });
    await until(async () =>
      (await messages(sandbox.sandboxId)).some((text) => text.startsWith('Out of memory')),
    );
    expect((await sandbox.commands.list()).map(({ pid }) => pid)).toEqual([small.pid]);
    await sandbox.kill();
  });

  test('end a process that writes more than the disk of its sandbox, in one file or in many', async () => {
    const sandbox = await engine.create();
    const one = sandbox.commands.run(`head -c ${2 * QUOTA_MB}M /dev/zero >one`);
    await expect(one).rejects.toMatchObject({ stdout: '' });
    expect(await sandbox.commands.run('stat -c %s one')).toMatchObject({
      stdout: `${QUOTA_MB * MEBIBYTE}\n`,
    });
    await sandbox.commands.run('rm one');
    const fill =
      'for n in $(seq 1000); do head -c 4M /dev/urandom >many-$n || exit 9; sync many-$n; sleep 0.1; done';
    const many = sandbox.commands.run(fill, { timeoutMs: 60_000 });
    await expect(many).rejects.toThrow();
    const used = await measureDirectory(`${engine.guestDir(sandbox.sandboxId)}/root`);
    expect(used / MEBIBYTE).toBeLessThan(QUOTA_MB * 2);
    await until(async () =>
      (await messages(sandbox.sandboxId)).some((text) => text.startsWith('No space left')),
    );
    // Those that free space may run.
    await sandbox.commands.run('rm many-*; echo small >file');
    await sandbox.kill();
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

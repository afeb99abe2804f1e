import { beforeAll, describe, expect, test } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine } from '../jail/test-process-engine';

type Sandbox = Awaited<ReturnType<ProcessEngine['create']>>;

describe.runIf(canRun)('/proc and /dev of a sandbox', () => {
  let engine: ProcessEngine;
  let sandbox: Sandbox;

  beforeAll(async () => {
    engine = await startProcessEngine();
    sandbox = await engine.create({ secure: false });
  });

  const headers = () => ({ 'moru-sandbox-id': sandbox.sandboxId, 'moru-sandbox-port': '49983' });
  const get = (path: string, signal?: AbortSignal) =>
    fetch(`${engine.url}/files?${new URLSearchParams({ path })}`, {
      headers: headers(),
      ...(signal ? { signal } : {}),
    });

  test('are read as a process inside sees them', async () => {
    const { stdout } = await sandbox.commands.run('cat /proc/1/comm /proc/version');
    const [comm, version] = stdout.split('\n');
    expect(await sandbox.files.read('/proc/1/comm')).toBe(`${comm}\n`);
    await sandbox.commands.run('ln -s /proc/version link');
    const response = await get('link');
    expect(response.headers.get('content-length')).toBe(String((version ?? '').length + 1));
    expect(await response.text()).toBe(`${version}\n`);
    expect(await sandbox.files.read('/dev/null')).toBe('');
  });

  test('are listed and described', async () => {
    const names = (await sandbox.files.list('/proc')).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['1', 'meminfo', 'sys']));
    expect((await sandbox.files.list('/proc/1/ns/..')).map(({ path }) => path)).toContain('/proc/1/status');
    expect(await sandbox.files.getInfo('/proc/version')).toMatchObject({
      type: 'file',
      mode: 0o444,
      path: '/proc/version',
    });
    expect((await sandbox.files.list('/dev/shm')).length).toBe(0);
    // The tests' own lists of processes do not show the reader.
    expect(await sandbox.commands.list()).toEqual([]);
  });

  test('fail as other places do', async () => {
    expect((await get('/proc/missing')).status).toBe(404);
    expect((await get('/proc')).status).toBe(400);
    expect((await get('/proc/1/mem')).status).toBe(500);
    await expect(sandbox.files.list('/proc/version')).rejects.toThrow();
    await expect(sandbox.files.getInfo('/dev/missing')).rejects.toMatchObject({ name: 'NotFoundError' });
    await expect(sandbox.files.write('/dev/shm/x', 'text')).rejects.toThrow();
    await expect(sandbox.files.remove('/proc/version')).rejects.toThrow();
  });

  test('may have no end', async () => {
    const controller = new AbortController();
    const response = await get('/dev/zero', controller.signal);
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) {
      sizeBytes += (chunk as Uint8Array).length;
      if (sizeBytes > 4_000_000) break;
    }
    controller.abort();
    expect(sizeBytes).toBeGreaterThan(4_000_000);
    await expect.poll(() => engine.processes(sandbox.sandboxId).length).toBeLessThanOrEqual(2);
  });
});

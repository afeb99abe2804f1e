import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostText } from './skeleton';
import { canRun, type ProcessEngine, startProcessEngine } from './test-process-engine';

type Sandbox = Awaited<ReturnType<ProcessEngine['create']>>;
const SECRET = 'the-host-keeps-this';

describe.runIf(canRun)('what a sandbox can reach', () => {
  let engine: ProcessEngine;
  let sandbox: Sandbox;
  let other: Sandbox;
  let hostDir: string;

  beforeAll(async () => {
    process.env.SANDKEEPER_TEST_SECRET = SECRET;
    hostDir = mkdtempSync(join(tmpdir(), 'sandkeeper-host-'));
    writeFileSync(join(hostDir, 'file'), SECRET);
    engine = await startProcessEngine();
    sandbox = await engine.create();
    other = await engine.create();
    await other.files.write('/data/other.txt', SECRET);
    await other.commands.run('sleep 7171', { background: true, timeoutMs: 0 });
    await sandbox.commands.run('true');
  });

  afterAll(() => rmSync(hostDir, { recursive: true, force: true }));

  const say = async (script: string) => {
    const result = await sandbox.commands.run(`{ ${script}\n} 2>&1; true`);
    return result.stdout;
  };

  test('not the environment of the engine', async () => {
    const seen = await say("env; for f in /proc/[0-9]*/environ; do tr '\\0' '\\n' <$f; done");
    expect(seen).toContain('MORU_SANDBOX=true');
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain(engine.apiKey);
  });

  test('not the command lines that started it', async () => {
    const seen = await say("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; done");
    expect(seen).not.toContain(engine.dataDir);
    expect(seen).not.toContain(tmpdir() === '/tmp' ? 'sandkeeper-' : tmpdir());
  });

  test('not the files of the host', async () => {
    const seen = await say(
      `cat ${hostDir}/file; ls ${engine.dataDir}; ls /root/.. /home; cat /etc/shadow; ls /sys`,
    );
    expect(seen).not.toContain(SECRET);
    expect(seen).toContain('No such file or directory');
    expect(await say('touch /usr/mine && echo written')).toContain('Read-only file system');
    expect(await say('touch /run/moru/engine/x && echo written')).toContain('Read-only file system');
  });

  test('not through links, of the process table or its own', async () => {
    expect(await say('ls /proc/1/root/ | head -3; cat /proc/1/cwd/etc/shadow')).not.toContain('boot');
    expect(await say(`ln -s ${hostDir} /tmp/link; cat /tmp/link/file`)).not.toContain(SECRET);
    expect(await say('ls -l /proc/[0-9]*/fd | grep -v deleted')).not.toContain(engine.dataDir);
  });

  test('not the files or processes of another sandbox', async () => {
    const seen = await say(`ls -R ${engine.guestDir(other.sandboxId)}; cat /data/other.txt; ps ax`);
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain('7171');
    await say('kill -9 -1').catch(() => {});
    expect(await other.commands.list()).toHaveLength(1);
  });

  test('not the files of another sandbox as a user either: each has its own', async () => {
    if (process.getuid?.() !== 0) return;
    await sandbox.commands.run('true');
    const [mine, theirs] = [sandbox, other].map(({ sandboxId }) => uidOf(engine, sandboxId));
    expect(mine).toBeGreaterThanOrEqual(20_000);
    expect(mine).not.toBe(theirs);
  });

  test('no network but its own loopback, and so not the engine', async () => {
    expect((await say("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).trim()).toBe('lo');
    expect(await say(`exec 5<>/dev/tcp/127.0.0.1/${engine.port} && echo open`)).not.toContain('open\n');
    expect(await say('exec 5<>/dev/tcp/1.1.1.1/80 && echo open')).toContain('unreachable');
  });

  test('no capabilities, no new namespaces, no kernel settings, no devices', async () => {
    expect(await say('grep Cap /proc/self/status')).not.toMatch(/[1-9a-f]\s*$/m);
    expect(await say('grep NoNewPrivs /proc/self/status')).toContain('1');
    expect(await say('unshare -Ur id && echo made')).not.toContain('made\n');
    expect(await say('echo 1 >/proc/sys/kernel/core_pattern && echo wrote')).not.toContain('wrote\n');
    expect(await say('echo 1 >/proc/sys/vm/drop_caches && echo wrote')).not.toContain('wrote\n');
    expect(await say('echo b >/proc/sysrq-trigger && echo wrote')).not.toContain('wrote\n');
    expect(await say('mknod /tmp/disk b 254 0 && echo made')).not.toContain('made\n');
    expect(await say('mount -t tmpfs none /mnt && echo made')).not.toContain('made\n');
    expect(await say('dmesg | head -1; cat /dev/mem')).not.toContain('Linux version');
  });

  test('limits on processes, open files and core dumps, which it cannot raise', async () => {
    const limits = await say('ulimit -u; ulimit -n; ulimit -c; ulimit -u 100000 && echo raised');
    expect(limits).toMatch(/^\d+\n4096\n0\n/);
    expect(limits).not.toContain('raised\n');
  });

  test('with the network of the host, still nothing of the engine without its key', async () => {
    const open = await startProcessEngine({ hostNetwork: true });
    const guest = await open.create();
    const ask = `exec 5<>/dev/tcp/127.0.0.1/${open.port}; printf 'GET /v2/sandboxes HTTP/1.1\\r\\nHost: localhost:${open.port}\\r\\n\\r\\n' >&5; head -1 <&5`;
    expect((await guest.commands.run(ask)).stdout).toContain('401');
  });
});

function uidOf(engine: ProcessEngine, id: string): number {
  const status = readHostText(`/proc/${engine.init(id)?.pid}/status`);
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

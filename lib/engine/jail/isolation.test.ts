import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostText } from './skeleton';
import { canRun, type ProcessEngine, startProcessEngine } from './test-process-engine';

type Sandbox = Awaited<ReturnType<ProcessEngine['create']>>;
const SECRET = 'the-host-keeps-this';

describe.runIf(canRun)('isolation', () => {
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

  const run = async (script: string) => {
    const result = await sandbox.commands.run(`{ ${script}\n} 2>&1; true`);
    return result.stdout;
  };

  test('hides the environment of the engine', async () => {
    const seen = await run("env; for f in /proc/[0-9]*/environ; do tr '\\0' '\\n' <$f; done");
    expect(seen).toContain('MORU_SANDBOX=true');
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain(engine.apiKey);
  });

  test('hides host paths on command lines', async () => {
    const seen = await run("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; done");
    expect(seen).not.toContain(engine.dataDir);
    expect(seen).not.toContain(tmpdir() === '/tmp' ? 'sandkeeper-' : tmpdir());
  });

  test('hides files of the host and mounts system directories read-only', async () => {
    const seen = await run(
      `cat ${hostDir}/file; ls ${engine.dataDir}; ls /root/.. /home; cat /etc/shadow; ls /sys`,
    );
    expect(seen).not.toContain(SECRET);
    expect(seen).toContain('No such file or directory');
    expect(await run('touch /usr/mine && echo written')).toContain('Read-only file system');
    expect(await run('touch /run/moru/engine/x && echo written')).toContain('Read-only file system');
  });

  test.runIf(existsSync('/usr/bin/openssl') && existsSync('/etc/ssl/openssl.cnf'))(
    'gives programs the settings without which they do not work',
    async () => {
      const made = await run(
        'openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/key.pem -out /tmp/own.pem -subj /CN=a; openssl x509 -noout -subject -in /tmp/own.pem',
      );
      expect(made).toMatch(/subject=CN ?= ?a/);
    },
  );

  test('resolves links in /proc and in the sandbox inside its root', async () => {
    expect(await run('ls /proc/1/root/ | head -3; cat /proc/1/cwd/etc/shadow')).not.toContain('boot');
    expect(await run(`ln -s ${hostDir} /tmp/link; cat /tmp/link/file`)).not.toContain(SECRET);
    expect(await run('ls -l /proc/[0-9]*/fd | grep -v deleted')).not.toContain(engine.dataDir);
  });

  test('hides files and processes of other sandboxes', async () => {
    const seen = await run(`ls -R ${engine.guestDir(other.sandboxId)}; cat /data/other.txt; ps ax`);
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain('7171');
    await run('kill -9 -1').catch(() => {});
    expect(await other.commands.list()).toHaveLength(1);
  });

  test('gives each sandbox its own host user if the engine is root', async () => {
    if (process.getuid?.() !== 0) return;
    await sandbox.commands.run('true');
    const [mine, theirs] = [sandbox, other].map(({ sandboxId }) => uidOf(engine, sandboxId));
    expect(mine).toBeGreaterThanOrEqual(20_000);
    expect(mine).not.toBe(theirs);
  });

  test('offers no network except the sandbox’s own loopback interface', async () => {
    expect((await run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).trim()).toBe('lo');
    expect(await run(`exec 5<>/dev/tcp/127.0.0.1/${engine.port} && echo open`)).not.toContain('open\n');
    expect(await run('exec 5<>/dev/tcp/1.1.1.1/80 && echo open')).toContain('unreachable');
  });

  test('denies capabilities, namespaces, kernel settings and devices', async () => {
    expect(await run('grep -E "Cap(Prm|Eff|Amb)" /proc/self/status')).not.toMatch(/[1-9a-f]\s*$/m);
    // Of root: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE.
    const ofRoot = await sandbox.commands.run('grep CapBnd /proc/self/status', { user: 'root' });
    expect(ofRoot.stdout).toMatch(/:\s00000000000004fb$|:\s0+$/m);
    expect(await run('grep NoNewPrivs /proc/self/status')).toContain('1');
    expect(await run('unshare -Ur id && echo made')).not.toContain('made\n');
    expect(await run('echo 1 >/proc/sys/kernel/core_pattern && echo wrote')).not.toContain('wrote\n');
    expect(await run('echo 1 >/proc/sys/vm/drop_caches && echo wrote')).not.toContain('wrote\n');
    expect(await run('echo b >/proc/sysrq-trigger && echo wrote')).not.toContain('wrote\n');
    expect(await run('mknod /tmp/disk b 254 0 && echo made')).not.toContain('made\n');
    expect(await run('mount -t tmpfs none /mnt && echo made')).not.toContain('made\n');
    expect(await run('dmesg | head -1; cat /dev/mem')).not.toContain('Linux version');
  });

  test('limits processes, open files and core dumps permanently', async () => {
    const limits = await run('ulimit -u; ulimit -n; ulimit -c; ulimit -u 100000 && echo raised');
    expect(limits).toMatch(/^\d+\n4096\n0\n/);
    expect(limits).not.toContain('raised\n');
  });

  test('requires the API key from a sandbox on the host’s network', async () => {
    const open = await startProcessEngine({ hostNetwork: true });
    const guest = await open.create();
    const request = `exec 5<>/dev/tcp/127.0.0.1/${open.port}; printf 'GET /v2/sandboxes HTTP/1.1\\r\\nHost: localhost:${open.port}\\r\\n\\r\\n' >&5; head -1 <&5`;
    expect((await guest.commands.run(request)).stdout).toContain('401');

    // A sandbox that may send nothing has a network of its own.
    for (const closed of [{ allow_internet_access: false }, { network: { denyOut: ['0.0.0.0/0'] } }]) {
      const { json } = await open.api('POST', '/sandboxes', { templateID: 'base', timeout: 60, ...closed });
      const alone = await open.connect((json as { sandboxID: string }).sandboxID);
      await expect(alone.commands.run(request)).rejects.toMatchObject({
        stderr: expect.stringContaining('Connection refused'),
      });
    }
    const partly = { templateID: 'base', network: { denyOut: ['8.8.8.8'] } };
    expect((await open.api('POST', '/sandboxes', partly)).status).toBe(400);
    // The network of running processes does not change.
    const put = (body: object) => open.api('PUT', `/sandboxes/${guest.sandboxId}/network`, body);
    expect((await put({ allow_internet_access: false })).status).toBe(400);
    expect((await put({ allow_internet_access: true })).status).toBe(204);
  });
});

function uidOf(engine: ProcessEngine, id: string): number {
  const status = readHostText(`/proc/${engine.init(id)?.pid}/status`);
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

import { beforeAll, describe, expect, test } from 'vitest';
import { canRun, hasOwnRoot, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

type Sandbox = Awaited<ReturnType<ProcessEngine['create']>>;

describe.runIf(canRun)('root in a sandbox, and sudo', () => {
  let engine: ProcessEngine;
  let sandbox: Sandbox;
  /** Elsewhere root is another name of the user, and sudo only runs the program. */
  let uid: string;

  beforeAll(async () => {
    engine = await startProcessEngine();
    sandbox = await engine.create();
    await sandbox.commands.run('true');
    uid = hasOwnRoot(engine, sandbox.sandboxId) ? '0' : '1000';
  });

  const run = (script: string) =>
    sandbox.commands
      .run(script)
      .catch((error: { exitCode: number; stdout: string; stderr: string }) => error);

  test('runs a program as root, with its input, output and exit code', async () => {
    const { stdout } = await run('sudo -n id -u; echo text | sudo tee /root/file; sudo cat /root/file');
    expect(stdout).toBe(`${uid}\ntext\ntext\n`);
    expect(await run('sudo sh -c "echo out; echo err >&2; exit 7"')).toMatchObject({
      exitCode: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    const big = await run('head -c 5000000 /dev/zero | sudo cat | wc -c; cd /tmp && sudo pwd');
    expect(big.stdout).toBe('5000000\n/tmp\n');
    expect((await run('sudo -u user id -u; sudo -u root id -u')).stdout).toBe(`1000\n${uid}\n`);
    const { stdout: variables } = await run('sudo MINE=1 env | grep -E "^(MINE|HOME|SUDO_USER)=" | sort');
    expect(variables).toBe('HOME=/root\nMINE=1\nSUDO_USER=user\n');
    expect((await run('sudo -i echo "\\$HOME"')).stdout).toBe('/root\n');
  });

  test('says what is wrong', async () => {
    expect(await run('sudo no-such-program')).toMatchObject({
      exitCode: uid === '0' ? 1 : 127,
      stderr: expect.stringContaining('no-such-program'),
    });
    expect(await run('sudo -u nobody-known id')).toMatchObject({
      exitCode: 1,
      stderr: 'sudo: unknown user nobody-known\n',
    });
    expect(await run('sudo')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('usage: sudo') });
  });

  test('ends its program when it ends', async () => {
    const { pid } = await sandbox.commands.run('exec sudo sleep 4242', { background: true, timeoutMs: 0 });
    const sleepers = async () => (await run('pgrep -f "^sleep 4242"')).stdout.trim();
    await until(async () => (await sleepers()) !== '');
    await sandbox.commands.kill(pid);
    await until(async () => (await sleepers()) === '');
  });

  test('works in a terminal', async () => {
    let output = '';
    const terminal = await sandbox.pty.create({
      cols: 100,
      rows: 30,
      onData: (data) => {
        output += Buffer.from(data).toString();
      },
    });
    await sandbox.pty.sendInput(
      terminal.pid,
      Buffer.from('sudo bash -c "id -u; stty size; read line; echo got-\\$line"\n'),
    );
    await until(() => new RegExp(`${uid}\\r+\\n30 100`).test(output));
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('input\n'));
    await until(() => output.includes('got-input'));
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('exit\n'));
    await terminal.wait();
  });

  test('keeps the files of root from the user, and both apart in the API', async () => {
    if (uid !== '0') return;
    await sandbox.files.write('/root/secret', 'of root', { user: 'root' });
    await sandbox.commands.run('chmod 600 /root/secret; chown 1000:1000 /tmp; touch /tmp/of-root', {
      user: 'root',
    });
    expect(await sandbox.files.getInfo('/root/secret')).toMatchObject({ owner: 'root', group: 'root' });
    expect(await sandbox.files.getInfo('/tmp/of-root')).toMatchObject({ owner: 'root', group: 'root' });
    await sandbox.files.write('/tmp/of-user', 'text');
    expect(await sandbox.files.getInfo('/tmp/of-user')).toMatchObject({ owner: 'user', group: 'user' });
    await expect(sandbox.commands.run('cat /root/secret')).rejects.toMatchObject({ exitCode: 1 });
    const shell = await sandbox.pty.create({ cols: 80, rows: 24, user: 'root', onData: () => {} });
    await sandbox.pty.sendInput(shell.pid, Buffer.from('id -u >/tmp/shell-id; exit\n'));
    await until(
      async () =>
        (await sandbox.files.exists('/tmp/shell-id')) &&
        (await sandbox.files.read('/tmp/shell-id')) === '0\n',
    );
  });
});

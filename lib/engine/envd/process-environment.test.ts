import { InvalidArgumentError } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { canRun, hasOwnRoot, type ProcessEngine, startProcessEngine } from '../jail/test-process-engine';

describe.runIf(canRun)('a process', () => {
  let engine: ProcessEngine;
  let sandbox: Awaited<ReturnType<ProcessEngine['create']>>;

  beforeAll(async () => {
    engine = await startProcessEngine();
    sandbox = await engine.create({ envs: { FROM_CREATE: 'yes', BOTH: 'create' } });
  });

  test('sets exactly the documented environment', async () => {
    const { stdout } = await sandbox.commands.run('env -u _ -u SHLVL -u PWD -u OLDPWD | sort', {
      envs: { BOTH: 'request', MINE: 'ä=ö' },
    });
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(stdout).toContain('BOTH=request\n');
    expect(stdout).toContain('MINE=ä=ö\n');
    expect(stdout).toContain(`MORU_SANDBOX_ID=${sandbox.sandboxId}\n`);
    expect(entries).toEqual(
      ['BOTH', 'FROM_CREATE', 'HOME', 'LOGNAME', 'MINE', 'MORU_SANDBOX', 'MORU_SANDBOX_ID'].concat([
        'MORU_TEMPLATE_ID',
        'PATH',
        'USER',
      ]),
    );
  });

  test('starts in the given directory, or fails if it does not exist', async () => {
    expect((await sandbox.commands.run('pwd')).stdout).toBe('/home/user\n');
    expect((await sandbox.commands.run('pwd', { cwd: '/tmp' })).stdout).toBe('/tmp\n');
    await sandbox.commands.run('mkdir -p deep/er');
    expect((await sandbox.commands.run('pwd', { cwd: 'deep/er' })).stdout).toBe('/home/user/deep/er\n');
    const failure = sandbox.commands.run('pwd', { cwd: '/nope' });
    await expect(failure).rejects.toThrow(InvalidArgumentError);
    await expect(failure).rejects.toThrow("cwd '/nope' does not exist");
  });

  test('runs as root, which is uid 0 where the kernel maps it', async () => {
    const script = 'echo $HOME $USER; id -u; touch /root/mine && echo ok';
    const { stdout } = await sandbox.commands.run(script, { user: 'root' });
    const id = hasOwnRoot(engine, sandbox.sandboxId) ? 0 : 1000;
    expect(stdout).toBe(`/root root\n${id}\nok\n`);
    expect((await sandbox.commands.run('id -u')).stdout).toBe('1000\n');
  });

  test('allows opening /dev/stdout, /dev/stderr and /dev/stdin', async () => {
    const result = await sandbox.commands.run('echo o >/dev/stdout; echo e >/dev/stderr; cat /dev/stdin');
    expect(result).toMatchObject({ stdout: 'o\n', stderr: 'e\n' });
  });
});

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../test-engine';
import { findHostPython } from './host-python';
import { canRun, startProcessEngine } from './test-process-engine';

const machine = pythonOf();

/** The program and the files of the machine's Python; null if there is none. */
function pythonOf(): { program: string; library: string } | null {
  try {
    const question = 'import os, sys; print(sys.executable, os.path.dirname(os.path.dirname(os.__file__)))';
    const [program = '', library = ''] = String(execFileSync('python3', ['-c', question]))
      .trim()
      .split(' ');
    return { program: realpathSync(program), library };
  } catch {
    console.log('Skipping tests of Python: this machine has no python3.');
    return null;
  }
}

/** Makes a Python outside the directories that sandboxes see, in a directory that only its owner may enter. */
function makePython(): string {
  const prefix = makeTempDir();
  mkdirSync(join(prefix, 'bin'));
  copyFileSync(machine?.program ?? '', join(prefix, 'bin/python3.99'));
  symlinkSync('python3.99', join(prefix, 'bin/python3'));
  symlinkSync(machine?.library ?? '', join(prefix, 'lib'));
  return prefix;
}

test.runIf(canRun && machine)(
  'shows a Python of the machine that lies elsewhere to user and root',
  async () => {
    const prefix = makePython();
    const engine = await startProcessEngine({ python: join(prefix, 'bin/python3') });
    const sandbox = await engine.create();
    const script = 'import json, sys; print(json.dumps([sys.executable, sys.prefix]))';
    for (const user of ['user', 'root']) {
      const { stdout } = await sandbox.commands.run(`which python3; python3 -c '${script}'`, { user });
      expect(stdout.trim().split('\n')).toEqual([
        '/run/moru/engine/bin/python3',
        '["/run/moru/engine/bin/python3", "/run/moru/engine"]',
      ]);
      // Some systems have a command of this name.
      const python = await sandbox.commands.run(
        'python -c "import ssl, sys; print(sys.version_info.major)"',
        {
          user,
        },
      );
      expect(python.stdout).toBe('3\n');
    }
    const venv = await sandbox.commands.run(
      'python3 -m venv --without-pip venv && venv/bin/python3 -c "import sys; print(sys.prefix)"',
    );
    expect(venv.stdout).toBe('/home/user/venv\n');
    const shown = await sandbox.commands.run(`touch /run/moru/engine/lib/x; ls ${prefix}; true`);
    expect(shown.stdout).toBe('');
    expect(shown.stderr).toContain('Read-only file system');
  },
);

test.runIf(canRun)('leaves out a Python that does not work inside', async () => {
  const prefix = makeTempDir();
  const broken = join(prefix, 'python3');
  const answer = JSON.stringify({ program: broken, prefix, library: 'lib' });
  writeFileSync(broken, `#!/bin/sh\n[ "$1" = -I ] && echo '${answer}' || exit 1\n`, { mode: 0o755 });
  const engine = await startProcessEngine({ python: broken });
  const sandbox = await engine.create();
  const { stdout } = await sandbox.commands.run('ls /run/moru/engine/bin | grep -vx python; echo works');
  expect(stdout).toBe('sudo\nworks\n');
});

test.runIf(existsSync('/usr/bin/python3'))('takes no Python that sandboxes see anyway', async () => {
  expect(await findHostPython(undefined)).toEqual([]);
});

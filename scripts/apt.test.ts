import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';

const apt = new URL('./lib/apt.mjs', import.meta.url).href;
const run = promisify(execFile);

/** Calls `aptInstall` with a fake `apt-get` that records its arguments. */
async function install(env: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-apt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const calls = join(dir, 'calls');
  writeFileSync(calls, '');
  writeFileSync(join(dir, 'apt-get'), `#!/bin/sh\necho "$@" >> '${calls}'\n`);
  chmodSync(join(dir, 'apt-get'), 0o755);
  const program = `
    import { aptInstall } from ${JSON.stringify(apt)};
    process.getuid = () => 0;
    console.log(await aptInstall('bubblewrap', 'the engine needs it'));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program], {
    env: {
      ...process.env,
      SANDKEEPER_NO_INSTALL: '',
      ...env,
      PATH: `${dir}:${process.env.PATH}`,
      NO_COLOR: '1',
    },
  });
  return { isInstalled: stdout.trim() === 'true', stderr, calls: readFileSync(calls, 'utf8') };
}

describe.skipIf(process.platform === 'win32')('aptInstall', () => {
  it('names the package and the purpose in one line', async () => {
    const { isInstalled, stderr, calls } = await install({});
    expect(isInstalled).toBe(true);
    expect(calls).toBe('update\ninstall -y --no-install-recommends bubblewrap\n');
    expect(stderr.split('\n')[0]).toBe(
      'Installing bubblewrap with apt-get: the engine needs it. Set SANDKEEPER_NO_INSTALL=1 to install nothing.',
    );
  });

  it('installs nothing with SANDKEEPER_NO_INSTALL=1 and names the package', async () => {
    const { isInstalled, stderr, calls } = await install({ SANDKEEPER_NO_INSTALL: '1' });
    expect(isInstalled).toBe(false);
    expect(calls).toBe('');
    expect(stderr.trim()).toBe(
      'Not installing bubblewrap (the engine needs it), because SANDKEEPER_NO_INSTALL is 1.',
    );
  });
});

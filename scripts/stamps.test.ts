import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkNodeVersion } from './lib/bootstrap.mjs';
import { hasNpmInstalled } from './lib/installed.mjs';
import {
  hashBuildInputs,
  hashInstallInputs,
  listBuildInputs,
  readStamp,
  removeStamp,
  writeStamp,
} from './lib/stamps.mjs';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-stamps-'));
  write('package.json', JSON.stringify({ version: '1.0.0', scripts: {}, dependencies: { next: '16.0.0' } }));
  write('package-lock.json', '{}');
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string) {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), text);
}

/** Whether `change` changes the result of `hash`. */
function alters(hash: () => string, change: () => void): boolean {
  const before = hash();
  change();
  return hash() !== before;
}

describe('checkNodeVersion', () => {
  it.each(['20.9.0', '20.10.1', '22.0.0', '100.1.0'])('accepts %s', (version) => {
    expect(checkNodeVersion('>=20.9', version)).toBeUndefined();
  });

  it.each(['20.8.1', '18.20.4', '9.11.0'])('rejects %s', (version) => {
    expect(checkNodeVersion('>=20.9', version)).toMatch(
      `needs Node 20.9 or newer, and this is Node ${version}`,
    );
  });
});

describe('hashInstallInputs', () => {
  const machine = { platform: 'linux', arch: 'x64', node: '20.20.2' };
  const hash = () => hashInstallInputs(root, machine);

  it('depends on the lock file and the dependencies, not on the rest of package.json', () => {
    expect(alters(hash, () => write('package-lock.json', '{"a":1}'))).toBe(true);
    expect(alters(hash, () => write('package.json', '{"dependencies":{"next":"16.0.1"}}'))).toBe(true);
    expect(
      alters(hash, () => write('package.json', '{"version":"2","dependencies":{"next":"16.0.1"}}')),
    ).toBe(false);
  });

  it('depends on the machine and the major version of Node only', () => {
    for (const other of [{ platform: 'darwin' }, { arch: 'arm64' }, { node: '22.0.0' }]) {
      expect(hashInstallInputs(root, { ...machine, ...other })).not.toBe(hash());
    }
    expect(hashInstallInputs(root, { ...machine, node: '20.21.0' })).toBe(hash());
  });
});

describe('hashBuildInputs', () => {
  const hash = () => hashBuildInputs(root);

  it.each([
    'app/page.tsx',
    'components/ui/button.tsx',
    'lib/a.ts',
    'public/icon.svg',
    'next.config.mjs',
    'proxy.ts',
    'package-lock.json',
  ])('changes when %s is added, changed, renamed or removed', (file) => {
    expect(alters(hash, () => write(file, 'one'))).toBe(true);
    expect(alters(hash, () => write(file, 'two'))).toBe(true);
    expect(alters(hash, () => fs.renameSync(path.join(root, file), path.join(root, `${file}.css`)))).toBe(
      true,
    );
    expect(alters(hash, () => fs.rmSync(path.join(root, `${file}.css`)))).toBe(true);
  });

  it.each([
    'lib/a.test.ts',
    'e2e/a.spec.ts',
    'server.mjs',
    'vitest.config.ts',
    'README.md',
    '.env',
    'build/front.mjs',
  ])('ignores %s', (file) => {
    expect(alters(hash, () => write(file, 'one'))).toBe(false);
  });

  it('changes when text moves between files', () => {
    write('lib/a.ts', 'xy');
    write('lib/b.ts', 'z');
    expect(
      alters(hash, () => {
        write('lib/a.ts', 'x');
        write('lib/b.ts', 'yz');
      }),
    ).toBe(true);
  });

  it('does not depend on the order of the file system', () => {
    for (const file of ['lib/z.ts', 'lib/a.ts', 'app/m.tsx']) write(file, '');
    const files = listBuildInputs(root);
    expect(files).toEqual([...files].sort());
    expect(files).toContain(path.join('lib', 'z.ts'));
  });
});

describe('stamps', () => {
  it('are read as written and undefined before and after', () => {
    const file = path.join(root, 'stamp');
    expect(readStamp(file)).toBeUndefined();
    writeStamp(file, 'abc');
    expect(readStamp(file)).toBe('abc');
    removeStamp(file);
    removeStamp(file);
    expect(readStamp(file)).toBeUndefined();
  });
});

describe('hasNpmInstalled', () => {
  const a = { version: '1.0.0', integrity: 'sha512-a' };
  const foreignsOwn = { version: '1.0.0', optional: true };
  const foreign = { version: '1.0.0', optional: true, os: ['plan9'] };
  const native = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
  const lock = (packages: object) =>
    write('package-lock.json', JSON.stringify({ packages: { '': {}, ...packages } }));
  const note = (packages: object) => write('node_modules/.package-lock.json', JSON.stringify({ packages }));

  it('is true if npm has recorded exactly the locked packages that this machine needs', () => {
    lock({
      'node_modules/a': a,
      'node_modules/foreign': foreign,
      'node_modules/foreign/node_modules/b': foreignsOwn,
      'node_modules/native': native,
    });
    note({ 'node_modules/a': a, 'node_modules/native': native });
    expect(hasNpmInstalled(root, 0)).toBe(true);
    note({ 'node_modules/a': a });
    expect(hasNpmInstalled(root, 0)).toBe(false);
  });

  it('is false if the record is missing, too old or for another version', () => {
    lock({ 'node_modules/a': a });
    expect(hasNpmInstalled(root, 0)).toBe(false);
    note({ 'node_modules/a': { ...a, version: '0.9.0' } });
    expect(hasNpmInstalled(root, 0)).toBe(false);
    note({ 'node_modules/a': a });
    expect(hasNpmInstalled(root, Date.now() + 60_000)).toBe(false);
  });
});

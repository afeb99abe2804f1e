import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listEntries } from './entries';
import { openForRead, openForWrite } from './files';
import type { GuestRoot } from './guest-root';
import { removeEntry } from './remove';
import { codeOf } from './safe-fs-error';

/**
 * A hostile process that keeps swapping a file with a link to a host file, and a directory with a link to a host
 * directory. With a plain path join, about half of the reads return the host's file.
 */
const RACER = `
const fs = require('node:fs');
const [rootDir, hostDir] = process.argv.slice(1);
process.chdir(rootDir);
const lay = (name) => {
  for (const old of [name, name + '-real', name + '-link']) fs.rmSync(old, { recursive: true, force: true });
  if (name === 'dir') fs.mkdirSync('dir-real');
  fs.writeFileSync(name === 'dir' ? 'dir-real/file' : 'file-real', 'guest');
  fs.symlinkSync(name === 'dir' ? hostDir : hostDir + '/file', name + '-link');
};
lay('file');
lay('dir');
const swap = (name) => {
  fs.renameSync(name + '-link', name);
  fs.renameSync(name, name + '-link');
  fs.renameSync(name + '-real', name);
  fs.renameSync(name, name + '-real');
};
process.stdout.write('racing');
for (;;) {
  for (const name of ['file', 'dir']) {
    // The test also writes and removes these entries: create them again when a swap fails.
    try { swap(name); } catch { try { lay(name); } catch {} }
  }
}
`;

const READS = 20_000;
const CONCURRENCY = 8;

let base = '';
let hostDir = '';
let root: GuestRoot;
let racer: ChildProcess;

beforeAll(async () => {
  base = fs.mkdtempSync(join(tmpdir(), 'safe-fs-race-'));
  hostDir = join(base, 'host');
  root = { rootDir: join(base, 'root'), uid: 234_567, gid: 234_567, users: [] };
  fs.mkdirSync(hostDir);
  fs.mkdirSync(root.rootDir);
  fs.writeFileSync(join(hostDir, 'file'), 'host secret');
  racer = spawn(process.execPath, ['-e', RACER, root.rootDir, hostDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (racer.stdout) await once(racer.stdout, 'data');
});

afterAll(async () => {
  expect(racer.exitCode).toBeNull();
  const gone = once(racer, 'exit');
  racer.kill('SIGKILL');
  await gone;
  fs.rmSync(base, { recursive: true, force: true });
});

async function readAll(path: string): Promise<string> {
  const file = await openForRead(root, path);
  try {
    const buffer = Buffer.alloc(64);
    return buffer.subarray(0, await file.read(buffer, 0, buffer.length)).toString();
  } finally {
    file.close();
  }
}

/** Runs `work` `times` times, several at once, and counts each outcome. */
async function tally(times: number, work: (turn: number) => Promise<string>): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  let turn = 0;
  const worker = async () => {
    while (turn < times) {
      turn += 1;
      const outcome = await work(turn).catch((error: unknown) => codeOf(error) || String(error));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return outcomes;
}

it('leaks the host file through a plain path join', async () => {
  await expect
    .poll(() => fs.promises.readFile(join(root.rootDir, 'file'), 'utf8').catch(codeOf), {
      interval: 0,
      timeout: 120_000,
    })
    .toBe('host secret');
});

it('reads nothing outside the root in 20,000 reads of racing links', async () => {
  const before = fs.readdirSync('/proc/self/fd').length;
  const outcomes = await tally(READS, (turn) => readAll(turn % 2 ? '/file' : '/dir/file'));
  expect([...outcomes.keys()].sort()).toEqual(expect.arrayContaining(['ENOENT', 'guest']));
  expect(outcomes.get('host secret')).toBeUndefined();
  expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
});

it('lists nothing outside the root', async () => {
  const outcomes = await tally(1_000, async () => {
    const [entry] = await listEntries(root, '/dir', 1);
    return String(entry?.stat.size);
  });
  expect(outcomes.get(String('host secret'.length))).toBeUndefined();
});

it('writes and removes nothing outside the root', async () => {
  const before = fs.readdirSync('/proc/self/fd').length;
  const outcomes = await tally(2_000, async (turn) => {
    const file = await openForWrite(root, turn % 2 ? '/file' : '/dir/new');
    await file.write(Buffer.from('guest'));
    await file.close();
    await removeEntry(root, '/dir/new');
    return 'done';
  });
  expect(outcomes.get('done')).toBeGreaterThan(0);
  expect(fs.readFileSync(join(hostDir, 'file'), 'utf8')).toBe('host secret');
  expect(fs.readdirSync(hostDir)).toEqual(['file']);
  expect(fs.statSync(join(hostDir, 'file')).uid).toBe(process.getuid?.());
  expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
});

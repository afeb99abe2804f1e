import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { hasEnded, newOwner } from './owner';

const self = newOwner();
const named = (pid: number, host = hostname()) => `${host}/${pid}/other`;

it('every process has a name of its own', () => {
  expect(newOwner()).not.toBe(self);
  expect(self.startsWith(`${hostname()}/${process.pid}/`)).toBe(true);
});

it('only what certainly ended has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const pid = child.pid ?? 0;
  expect(hasEnded(named(pid), self)).toBe(false);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(hasEnded(named(pid), self)).toBe(true);
  expect(hasEnded(named(pid, 'elsewhere'), self)).toBe(false);
  expect(hasEnded(self, self)).toBe(false);
});

it('an earlier process that had our number has ended', () => {
  expect(hasEnded(named(process.pid), self)).toBe(true);
});

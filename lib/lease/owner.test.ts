import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { restartProcess } from '../test-support/environment';
import { hasEnded, processOwner } from './owner';

const self = processOwner();
const ownerWith = (pid: number, host = hostname()) => `${host}/${pid}/other`;

it('gives a process one id for its lifetime', () => {
  expect(processOwner()).toBe(self);
  expect(self.startsWith(`${hostname()}/${process.pid}/`)).toBe(true);
});

it('gives the next process another id', async () => {
  restartProcess();
  expect((await import('./owner')).processOwner()).not.toBe(self);
});

it('reports only processes that certainly ended', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const pid = child.pid ?? 0;
  expect(hasEnded(ownerWith(pid), self)).toBe(false);
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
  expect(hasEnded(ownerWith(pid), self)).toBe(true);
  expect(hasEnded(ownerWith(pid, 'elsewhere'), self)).toBe(false);
  expect(hasEnded(self, self)).toBe(false);
});

it('reports an earlier process with the same pid as ended', () => {
  expect(hasEnded(ownerWith(process.pid), self)).toBe(true);
});

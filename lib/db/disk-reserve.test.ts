import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SandkeeperError } from '../errors';
import { DiskReserve } from './disk-reserve';

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-reserve-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

it('sets space aside while the disk has enough, and does not shrink then', () => {
  const dir = tempDir();
  const reserve = new DiskReserve(dir, 64 * 1024);
  reserve.refill();
  reserve.beforeTransaction();
  reserve.beforeStatement(1_000_000);
  expect(statSync(join(dir, 'disk-reserve'))).toMatchObject({ size: 64 * 1024 });
  expect(() => reserve.requireSpace()).not.toThrow();
});

it('refuses other work with disk_full if the reserve does not fit', () => {
  const dir = tempDir();
  const { bavail, bsize } = statfsSync(dir);
  const reserve = new DiskReserve(dir, 2 * bavail * bsize);
  reserve.refill();
  expect(statSync(join(dir, 'disk-reserve'), { throwIfNoEntry: false })).toBeUndefined();
  expect(() => reserve.requireSpace()).toThrow(/data directory is full/);
});

it.each([
  ['SQLITE_FULL', undefined, /data directory is full/],
  ['ENOSPC', 'write', /data directory is full/],
  ['EDQUOT', 'open', /data directory is full/],
  ['53100', undefined, /database is full/],
])('maps the code %s to disk_full', (code, syscall, message) => {
  const error = Object.assign(new Error('no'), { code, syscall });
  for (const thrown of [error, new Error('outer', { cause: error })]) {
    expect(SandkeeperError.from(thrown)).toMatchObject({
      code: 'disk_full',
      message: expect.stringMatching(message),
    });
  }
});

it('does not take too many watches for a full disk', () => {
  const error = Object.assign(new Error('no'), { code: 'ENOSPC', syscall: 'watch' });
  expect(SandkeeperError.from(error).code).toBe('unexpected');
});

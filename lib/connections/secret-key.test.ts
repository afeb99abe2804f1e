import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readSecretKey } from './secret-key';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-secret-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const none = { key: undefined, file: undefined };
const LONG = 'x'.repeat(40);

it('is the setting or the content of its file', () => {
  const file = path.join(folder, 'mounted');
  fs.writeFileSync(file, `${LONG}\n`);
  expect(readSecretKey({ key: LONG, file: undefined, dataDir: folder })).toBe(LONG);
  expect(readSecretKey({ key: undefined, file, dataDir: folder })).toBe(LONG);
});

it('is created once in the data directory, for its owner alone', () => {
  const dataDir = path.join(folder, 'new');
  const created = readSecretKey({ ...none, dataDir });
  expect(created.length).toBeGreaterThanOrEqual(32);
  expect(readSecretKey({ ...none, dataDir })).toBe(created);
  expect(fs.readdirSync(dataDir)).toEqual(['secret.key']);
  expect(fs.statSync(path.join(dataDir, 'secret.key')).mode & 0o777).toBe(0o600);
});

it('says what is wrong', () => {
  const short = path.join(folder, 'short');
  fs.writeFileSync(short, 'abc');
  expect(() => readSecretKey({ key: 'abc', file: undefined, dataDir: folder })).toThrow(
    /SANDKEEPER_SECRET_KEY has 3 characters: use at least 32/,
  );
  expect(() => readSecretKey({ key: undefined, file: short, dataDir: folder })).toThrow(/has 3 characters/);
  expect(() => readSecretKey({ key: undefined, file: '/absent', dataDir: folder })).toThrow(
    /\/absent cannot be read/,
  );
  expect(() => readSecretKey({ key: LONG, file: short, dataDir: folder })).toThrow(/both set: remove one/);
});

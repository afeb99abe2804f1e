import { expect, test } from 'vitest';
import { fileSignature, newSandboxId, parseSandboxId, sameSecret, Tokens } from './ids';
import { formatMicros, formatTime, parseMicros, parseTime } from './time';

test('generates unique ids in the documented format', () => {
  const ids = new Set(Array.from({ length: 2_000 }, newSandboxId));
  expect(ids.size).toBe(2_000);
  for (const id of ids) expect(id).toMatch(/^i[a-z0-9]{20}$/);
});

test('parses ids with and without the client id', () => {
  const id = newSandboxId();
  expect(parseSandboxId(id)).toBe(id);
  expect(parseSandboxId(`${id}-6532622b`)).toBe(id);
  for (const wrong of [`${id}-`, `${id}-a-b`, '', 'x', `${id}x`, '../etc'])
    expect(parseSandboxId(wrong)).toBeNull();
});

test('derives tokens from the seed and the sandbox id', () => {
  const [one, other] = [new Tokens(Buffer.alloc(32, 1)), new Tokens(Buffer.alloc(32, 2))];
  expect(one.access('a')).toBe(new Tokens(Buffer.alloc(32, 1)).access('a'));
  expect(new Set([one.access('a'), one.access('b'), one.traffic('a'), other.access('a')]).size).toBe(4);
});

test('computes the published example of a file signature', () => {
  const file = { path: 'hello.txt', operation: 'read', username: 'user' } as const;
  const token = '0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0';
  expect(fileSignature(file, token)).toBe('v1_gUtH/s9YCJWgCizjfUxuWfhFE4QSydOWEIIvfLwDr6E');
  expect(fileSignature({ ...file, expiration: '1' }, token)).not.toBe(fileSignature(file, token));
});

test('compares secrets of any length', () => {
  expect(sameSecret('moru_a', 'moru_a')).toBe(true);
  expect(sameSecret('moru_a', 'moru_ab')).toBe(false);
  expect(sameSecret('', 'moru_a')).toBe(false);
});

test('formats and parses times exactly', () => {
  const timeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  expect(formatTime(timeMs)).toBe('2026-01-02T03:04:05.006Z');
  expect(parseTime('2026-01-02T03:04:05.006999999Z')).toBe(timeMs);
  expect(parseTime('2026-01-02T04:04:05.006+01:00')).toBe(timeMs);
  expect(formatMicros(timeMs * 1000 + 7)).toBe('2026-01-02T03:04:05.006007Z');
  expect(parseMicros('2026-01-02T03:04:05.006007Z')).toBe(timeMs * 1000 + 7);
  expect(parseMicros('2026-01-02T03:04:05Z')).toBe((timeMs - 6) * 1000);
  for (const wrong of ['', 'today', '2026-13-41T00:00:00Z', '2026-01-02'])
    expect(parseTime(wrong)).toBeNull();
});

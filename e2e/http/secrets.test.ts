import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/processes';

/** All files that need no session. */
function publicFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('the built scripts contain no keys, server code or source maps', () => {
  const files = publicFiles('.next/static');
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    expect(file).not.toMatch(/\.map$/);
    const text = readFileSync(file, 'latin1');
    for (const word of [
      'SANDKEEPER_ENGINE_KEY',
      'MORU_API_KEY',
      'envdAccessToken',
      'x-api-key',
      'X-API-Key',
      'sealingKey',
      'libsql',
    ]) {
      expect(text.includes(word), `${word} in ${file}`).toBe(false);
    }
  }
});

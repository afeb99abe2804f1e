import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/processes';

/** Every file that anybody can fetch. */
function publicFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('what is built holds no key, no server code and no map to it', () => {
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

import fs from 'node:fs';
import { expect, it } from 'vitest';
import { formOf, startTestEnvd } from './test-envd';

it('accepts 10,000 files in one form and no more', async () => {
  const envd = await startTestEnvd();
  const parts = Array.from(
    { length: 10_002 },
    (_, index) => [`name="file"; filename="many/${index}"`, ''] as const,
  );
  const response = await envd.request('POST', '/files', formOf(parts));
  expect(response).toMatchObject({
    status: 400,
    json: { message: 'too many files: the limit is 10000 per upload' },
  });
  expect(fs.readdirSync(envd.inside('home/user/many'))).toHaveLength(10_000);
});

it('ignores any number of other parts', async () => {
  const envd = await startTestEnvd();
  const other = Array.from({ length: 20_000 }, () => ['name="other"; filename="ignored"', 'x'] as const);
  const form = formOf([...other, ['name="file"; filename="only"', 'text'], ...other]);
  const response = await envd.request('POST', '/files', form);
  expect(response.json).toEqual([{ path: '/home/user/only', name: 'only', type: 'file' }]);
  expect(fs.existsSync(envd.inside('home/user/ignored'))).toBe(false);
});

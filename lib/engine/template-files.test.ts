import { Sandbox } from '@moru-ai/core';
import { describe, expect, it, test } from 'vitest';
import { startProcessEngine } from './jail/test-process-engine';
import { filesOfTemplate } from './template-files';
import { TEMPLATES } from './templates';

describe('filesOfTemplate', () => {
  it('returns nothing for base and unknown templates', () => {
    for (const id of ['base', 'nobody', 'constructor', '']) expect(filesOfTemplate(id)).toEqual({});
  });

  it.each(TEMPLATES.map(({ templateId }) => templateId))(
    'returns well-formed files in the home of %s',
    (id) => {
      for (const [path, text] of Object.entries(filesOfTemplate(id))) {
        expect(path).toMatch(/^home\/user\/[\w./-]+$/);
        expect(text).toMatch(/\n$/);
        if (/\.(json|ipynb)$/.test(path)) expect(() => JSON.parse(text)).not.toThrow();
        if (!path.endsWith('.csv')) continue;
        const [head = '', ...lines] = text.trimEnd().split('\n');
        expect(new Set(lines.map((line) => line.split(',').length))).toEqual(
          new Set([head.split(',').length]),
        );
      }
    },
  );
});

test('creates a sandbox with the files of its template', async () => {
  const engine = await startProcessEngine();
  const sandbox = await Sandbox.create('python', engine.connection);
  for (const [path, text] of Object.entries(filesOfTemplate('python'))) {
    expect(await sandbox.files.read(`/${path}`)).toBe(text);
    expect(await sandbox.files.getInfo(`/${path}`)).toMatchObject({ owner: 'user', group: 'user' });
  }
  const other = await Sandbox.create('base', engine.connection);
  expect((await other.files.list('/home/user')).map(({ name }) => name)).toEqual(['.bashrc']);
});

import { expect, it } from 'vitest';
import { templateName } from './name';
import { SandboxId } from './schema';

it('accepts only letters, digits, "-" and "_" in an id', () => {
  const right = ['i0123456789abcdefghij', 'A-b_9', 'x'.repeat(64)];
  const wrong = ['', '..', 'a/b', 'a b', 'a\n', 'ü', '%2e', 'x'.repeat(65), 'a?b', 'a#b'];
  expect([...right, ...wrong].filter((id) => SandboxId.safeParse(id).success)).toEqual(right);
});

it('shows the id of a template without a name', () => {
  expect(templateName({ alias: 'base', templateId: 't1' })).toBe('base');
  expect(templateName({ alias: null, templateId: 't1' })).toBe('t1');
});

import { expect, it } from 'vitest';
import { previewOf } from './excerpt';
import type { Excerpt } from './schema';

function excerptOf(stdout: string, stderr = '', changes: Partial<Excerpt> = {}): Excerpt {
  return {
    stdout,
    stderr,
    stdoutBytes: Buffer.byteLength(stdout),
    stderrBytes: Buffer.byteLength(stderr),
    ...changes,
  };
}

it('shows short output whole', () => {
  expect(previewOf(excerptOf('one\ntwo\n'))).toEqual({
    name: 'stdout',
    lines: ['one', 'two'],
    leftOutBytes: 0,
  });
  expect(previewOf(excerptOf('', 'bad\n'))).toEqual({ name: 'stderr', lines: ['bad'], leftOutBytes: 0 });
  expect(previewOf(excerptOf(''))).toBeNull();
});

it('says how many bytes are not shown', () => {
  expect(previewOf(excerptOf('1\n2\n3\n4\n'))).toMatchObject({ lines: ['1', '2', '3'], leftOutBytes: 3 });
  expect(previewOf(excerptOf(`${'a'.repeat(299)}😀b`))).toMatchObject({
    lines: ['a'.repeat(299)],
    leftOutBytes: 5,
  });
});

it('counts what is missing from the excerpt itself', () => {
  const preview = previewOf(excerptOf('a\n', '', { stdoutBytes: 200_000 }));
  expect(preview).toEqual({ name: 'stdout', lines: ['a'], leftOutBytes: 199_998 });
});

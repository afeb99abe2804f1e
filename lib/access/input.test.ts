import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SandboxKey } from '../sandbox-key';
import { parseInput } from './input';

const Input = z.strictObject({
  sandboxKeys: z.array(SandboxKey).max(2),
  timeoutMs: z.int().min(15_000, 'Use at least 15 seconds.'),
});
const right = { sandboxKeys: ['local/i0'], timeoutMs: 15_000 };

describe('parseInput', () => {
  it('returns the parsed value', () => {
    expect(parseInput(Input, right)).toEqual(right);
  });

  it.each([
    [{ ...right, timeoutMs: 1 }, 'timeoutMs: Use at least 15 seconds.'],
    [
      { ...right, sandboxKeys: ['local/i0', 'local/../etc'] },
      'sandboxKeys.1: A sandbox is named by its connection and its ID, such as prod/i4x9kq2m.',
    ],
    [
      { ...right, sandboxKeys: ['local/a', 'local/b', 'local/c'] },
      'sandboxKeys: Too big: expected array to have <=2 items',
    ],
    [{ ...right, all: true }, 'Unrecognized key: "all"'],
    [null, 'Invalid input: expected object, received null'],
    [undefined, 'Invalid input: expected object, received undefined'],
  ])('names the wrong value in %j and the expected one', (value, message) => {
    expect(() => parseInput(Input, value)).toThrow(expect.objectContaining({ code: 'invalid', message }));
  });
});

import { expect, it } from 'vitest';
import { operationOptions } from './options';

it.each([
  ['kill', {}, null],
  ['kill', { graceMs: 10_000 }, 'gracefully, 10 s'],
  ['kill', { exportPath: '~/out' }, 'after archiving ~/out'],
  ['kill', { graceMs: 10_000, exportPath: '/work' }, 'gracefully, 10 s, after archiving /work'],
  ['pause', {}, null],
  ['resume', { timeoutMs: 900_000 }, 'for 15 min'],
  ['resume', { timeoutMs: 900_000, autoPause: true }, 'for 15 min, then pause'],
  ['resume', { timeoutMs: 5_400_000, autoPause: false }, 'for 1 h 30 min, then kill'],
  ['setTimeout', { timeoutMs: 900_000 }, 'to 15 min'],
  ['resume', {}, null],
] as const)('%s with %j is %j', (act, params, text) => expect(operationOptions(act, params)).toBe(text));

import { expect, test } from 'vitest';
import { toExitStatus } from './exit-status';

test.each([
  ['SIGKILL', 'signal: killed'],
  ['SIGRTMIN', 'signal: SIGRTMIN'],
  ['constructor', 'signal: constructor'],
  ['__proto__', 'signal: __proto__'],
  [null, 'signal: unknown'],
])('describes the end by %j', (signal, status) => {
  expect(toExitStatus(null, signal)).toEqual({ exitCode: -1, exited: false, status, error: status });
});

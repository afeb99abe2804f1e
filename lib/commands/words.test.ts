import { describe, expect, it } from 'vitest';
import { commandResult, describeErrorEnds, type ErrorEnd } from './words';

const exit = (exitCode: number, count = 1): ErrorEnd => ({ ending: 'exited', exitCode, signal: null, count });

describe('commandResult', () => {
  it('is a success only for exit code 0', () => {
    expect(commandResult(exit(0))).toEqual({ outcome: 'done', message: 'Exit code 0.' });
    expect(commandResult(exit(3))).toEqual({ outcome: 'partial', message: 'Exit code 3.' });
    const killed = { ending: 'signalled', exitCode: null, signal: 'SIGKILL' } as const;
    expect(commandResult(killed)).toMatchObject({ outcome: 'partial' });
  });
});

describe('describeErrorEnds', () => {
  it('names the exit code of a single command', () => {
    expect(describeErrorEnds([exit(3)], 1)).toBe('exit 3');
  });

  it('counts the exit codes of several, and adds up the rare ones', () => {
    expect(describeErrorEnds([exit(3, 2), exit(127)], 15)).toBe('exit 3 in 2, exit 127 in 1');
    expect(describeErrorEnds([exit(3, 9), exit(127, 8), exit(1, 7), exit(2, 6), exit(4, 5)], 99)).toBe(
      'exit 3 in 9, exit 127 in 8, exit 1 in 7, another end in 11',
    );
  });
});

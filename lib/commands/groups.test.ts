import { describe, expect, it } from 'vitest';
import type { OperationItem } from '../operations/schema';
import type { SandboxKey } from '../sandbox-key';
import { groupCommands, withExcerpts } from './groups';
import { NO_EXCERPT } from './schema';
import type { CommandSummary } from './store';

const item = (sandboxKey: SandboxKey, changes: Partial<OperationItem> = {}): OperationItem => ({
  sandboxKey,
  outcome: 'done',
  message: 'Exit code 0.',
  tookMs: 1,
  ...changes,
});
const ran = (
  sandboxKey: SandboxKey,
  fingerprint: string,
  changes: Partial<CommandSummary> = {},
): CommandSummary => ({
  sandboxKey,
  fingerprint,
  ending: 'exited',
  exitCode: 0,
  signal: null,
  ...changes,
});

describe('groupCommands', () => {
  it('groups identical outputs and endings, largest group first', () => {
    const groups = groupCommands(
      ['a', 'b', 'c', 'd'].map((id) => item(id)),
      [ran('a', 'x'), ran('b', 'y'), ran('c', 'y'), ran('d', 'y')],
    );
    expect(groups.map(({ sandboxKeys }) => sandboxKeys)).toEqual([['b', 'c', 'd'], ['a']]);
    expect(groups[0]).toMatchObject({ ending: 'exited', exitCode: 0, wasStarted: true });
  });

  it('groups unsent commands by reason, apart from sent ones', () => {
    const left = { outcome: 'skipped', message: 'Skipped: it was running and is now paused.' } as const;
    const groups = groupCommands([item('a'), item('b', left), item('c', left)], [ran('a', 'x')]);
    expect(groups.map(({ sandboxKeys, wasStarted }) => [sandboxKeys, wasStarted])).toEqual([
      [['b', 'c'], false],
      [['a'], true],
    ]);
  });

  it('treats a refused command as never started', () => {
    const [group] = groupCommands(
      [item('a', { outcome: 'failed', message: 'It was not started.' })],
      [ran('a', 'x', { ending: 'refused', fingerprint: null, exitCode: null })],
    );
    expect(group).toMatchObject({ wasStarted: false, ending: 'refused' });
  });

  it('omits unfinished commands', () => {
    expect(groupCommands([item('a', { outcome: 'sending' }), item('b', { outcome: 'waiting' })], [])).toEqual(
      [],
    );
  });

  it('reads the excerpt of one sandbox per group', async () => {
    const groups = groupCommands(
      [item('a'), item('b'), item('c')],
      [ran('a', 'x'), ran('b', 'x'), ran('c', 'y')],
    );
    const asked: string[] = [];
    const full = await withExcerpts(groups, async (ids) => {
      asked.push(...ids);
      return new Map([['a', { ...NO_EXCERPT, stdout: 'from a', stdoutBytes: 6 }]]);
    });
    expect(asked).toEqual(['a', 'c']);
    expect(full.map(({ excerpt }) => excerpt.stdout)).toEqual(['from a', '']);
  });
});

import { describe, expect, it } from 'vitest';
import type { OperationItem } from '../operations/schema';
import type { SandboxKey } from '../sandbox-key';
import { localKey } from '../test-support/environment';
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
      ['a', 'b', 'c', 'd'].map((id) => item(localKey(id))),
      [ran('local/a', 'x'), ran('local/b', 'y'), ran('local/c', 'y'), ran('local/d', 'y')],
    );
    expect(groups.map(({ sandboxKeys }) => sandboxKeys)).toEqual([
      ['local/b', 'local/c', 'local/d'],
      ['local/a'],
    ]);
    expect(groups[0]).toMatchObject({ ending: 'exited', exitCode: 0, wasStarted: true });
  });

  it('groups unsent commands by reason, apart from sent ones', () => {
    const left = { outcome: 'skipped', message: 'Skipped: it was running and is now paused.' } as const;
    const groups = groupCommands(
      [item('local/a'), item('local/b', left), item('local/c', left)],
      [ran('local/a', 'x')],
    );
    expect(groups.map(({ sandboxKeys, wasStarted }) => [sandboxKeys, wasStarted])).toEqual([
      [['local/b', 'local/c'], false],
      [['local/a'], true],
    ]);
  });

  it('treats a refused command as never started', () => {
    const [group] = groupCommands(
      [item('local/a', { outcome: 'failed', message: 'It was not started.' })],
      [ran('local/a', 'x', { ending: 'refused', fingerprint: null, exitCode: null })],
    );
    expect(group).toMatchObject({ wasStarted: false, ending: 'refused' });
  });

  it('omits unfinished commands', () => {
    expect(
      groupCommands([item('local/a', { outcome: 'sending' }), item('local/b', { outcome: 'waiting' })], []),
    ).toEqual([]);
  });

  it('reads the excerpt of one sandbox per group', async () => {
    const groups = groupCommands(
      [item('local/a'), item('local/b'), item('local/c')],
      [ran('local/a', 'x'), ran('local/b', 'x'), ran('local/c', 'y')],
    );
    const asked: SandboxKey[] = [];
    const full = await withExcerpts(groups, async (sandboxKeys) => {
      asked.push(...sandboxKeys);
      return new Map([['local/a', { ...NO_EXCERPT, stdout: 'from a', stdoutBytes: 6 }]]);
    });
    expect(asked).toEqual(['local/a', 'local/c']);
    expect(full.map(({ excerpt }) => excerpt.stdout)).toEqual(['from a', '']);
  });
});

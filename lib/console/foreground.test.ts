import { describe, expect, it } from 'vitest';
import type { EnvdProcesses } from '../sandbox-api/envd-processes';
import { readForeground } from './foreground';

const timeout = () => AbortSignal.timeout(120_000);

type Run = ReturnType<EnvdProcesses['run']>;

/** A sandbox with these files. */
const envdWith = (files: Record<string, string>) => ({
  async *run({ args = [] }: { args?: readonly string[] }): Run {
    yield { kind: 'start', pid: 99 };
    for (const path of args) yield { kind: 'stdout', bytes: Buffer.from(files[path] ?? '') };
  },
});
const read = (files: Record<string, string>) => readForeground(envdWith(files), 7, timeout());
const CHILDREN = '/proc/7/task/7/children';

describe('readForeground', () => {
  it('names the program in the foreground, whatever the shell is called', async () => {
    const files = { '/proc/7/stat': '7 (a) b) S 1 7 7 34816 42 0\n', '/proc/42/comm': 'vim\n' };
    expect(await read(files)).toEqual({ kind: 'program', name: 'vim' });
    const stopped = { '/proc/8/stat': '8 (sleep) S 7 8 7 34816 7 0\n' };
    const alone = { '/proc/7/stat': '7 (bash) S 1 7 7 34816 7 0\n', [CHILDREN]: '8 ', ...stopped };
    expect(await read(alone)).toEqual({ kind: 'shell' });
  });

  it('finds a program of a shell without job control, which shares its group', async () => {
    const stat = { '/proc/7/stat': '7 (sh) S 1 7 7 34816 7 0\n', [CHILDREN]: '8 9 ' };
    const zombie = { '/proc/8/stat': '8 (gone) Z 7 7 7 34816 7 0\n' };
    expect(await read({ ...stat, ...zombie, '/proc/9/stat': '9 (vi) S 7 7 7 34816 7 0\n' })).toEqual({
      kind: 'program',
      name: 'vi',
    });
    expect(await read({ ...stat, ...zombie })).toEqual({ kind: 'shell' });
  });

  it('stops reading output that never ends, and does not guess', async () => {
    let chunks = 0;
    const envd = {
      async *run(): Run {
        for (; chunks < 10_000; chunks += 1) yield { kind: 'stdout', bytes: Buffer.alloc(1_024, 'x') };
      },
    };
    expect(await readForeground(envd, 7, timeout())).toEqual({ kind: 'unknown' });
    expect(chunks).toBeLessThan(20);
    expect(await read({})).toEqual({ kind: 'unknown' });
  });
});

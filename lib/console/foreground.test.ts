import { describe, expect, it } from 'vitest';
import type { EnvdProcesses } from '../sandbox-api/envd-processes';
import { findForeground } from './foreground';

const timeout = () => AbortSignal.timeout(20_000);

type Run = ReturnType<EnvdProcesses['run']>;

/** A sandbox with these files. */
const envdWith = (files: Record<string, string>) => ({
  async *run({ args = [] }: { args?: readonly string[] }): Run {
    yield { kind: 'start', pid: 99 };
    yield { kind: 'stdout', bytes: Buffer.from(files[args[0] ?? ''] ?? '') };
  },
});

describe('findForeground', () => {
  it('names the program in the foreground, whatever the shell is called', async () => {
    const files = { '/proc/7/stat': '7 (a) b) S 1 7 7 34816 42 0', '/proc/42/comm': 'vim\n' };
    expect(await findForeground(envdWith(files), 7, timeout())).toBe('vim');
    const alone = { '/proc/7/stat': '7 (bash) S 1 7 7 34816 7 0' };
    expect(await findForeground(envdWith(alone), 7, timeout())).toBeNull();
  });

  it('stops reading output that never ends', async () => {
    let chunks = 0;
    const envd = {
      async *run(): Run {
        for (; chunks < 10_000; chunks += 1) yield { kind: 'stdout', bytes: Buffer.alloc(1_024, 'x') };
      },
    };
    expect(await findForeground(envd, 7, timeout())).toBeNull();
    expect(chunks).toBeLessThan(10);
  });
});

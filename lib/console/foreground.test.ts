import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../sandbox-api/guest-processes';
import { findForeground } from './foreground';

const soon = () => AbortSignal.timeout(20_000);

/** A sandbox in which these files are read. */
const guestWith = (files: Record<string, string>) => ({
  async *run({ args = [] }: { args?: readonly string[] }): AsyncGenerator<ProcessEvent, void, undefined> {
    yield { kind: 'start', pid: 99 };
    yield { kind: 'stdout', bytes: Buffer.from(files[args[0] ?? ''] ?? '') };
  },
});

describe('the program in the foreground', () => {
  it('is known by its name, whatever the shell calls itself', async () => {
    const files = { '/proc/7/stat': '7 (a) b) S 1 7 7 34816 42 0', '/proc/42/comm': 'vim\n' };
    expect(await findForeground(guestWith(files), 7, soon())).toBe('vim');
    const alone = { '/proc/7/stat': '7 (bash) S 1 7 7 34816 7 0' };
    expect(await findForeground(guestWith(alone), 7, soon())).toBeNull();
  });

  it('is not read without end from a sandbox that never stops writing', async () => {
    let told = 0;
    const guest = {
      async *run(): AsyncGenerator<ProcessEvent, void, undefined> {
        for (; told < 10_000; told += 1) yield { kind: 'stdout', bytes: Buffer.alloc(1_024, 'x') };
      },
    };
    expect(await findForeground(guest, 7, soon())).toBeNull();
    expect(told).toBeLessThan(10);
  });
});

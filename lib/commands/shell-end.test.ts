import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import type { ProcessEvent } from '../sandbox-api/envd-process-messages';
import type { EnvdCommand } from '../sandbox-api/envd-processes';
import { endInStat, isOutputHeld, watchShellEnd } from './shell-end';

/** A daemon on this machine that has not reaped the ended child `pid`. */
async function zombieOf(script: string): Promise<number> {
  // The child ends under a program that never waits for it.
  const parent = spawn('bash', ['-c', `${script} & echo $!; exec sleep 60`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
  return Number(pid.toString());
}

const envd = {
  async *run({ cmd, args }: EnvdCommand): AsyncGenerator<ProcessEvent<'stdout' | 'stderr'>> {
    const text = await new Promise<string>((resolve) => {
      execFile(cmd, [...args], (_error, stdout) => resolve(stdout));
    });
    yield { kind: 'stdout', bytes: Buffer.from(text) };
  },
  // biome-ignore lint/correctness/useYield: it fails at once, like the daemon's stream for an unknown process.
  async *followProcess(): AsyncGenerator<ProcessEvent> {
    throw new Error('The process has ended.');
  },
};

it.each([
  ['(sleep 0.3; exit 3)', { exitCode: 3, signal: null }],
  ['(sleep 0.3; exit 0)', { exitCode: 0, signal: null }],
  ['(sleep 0.3; kill -9 $BASHPID)', { exitCode: -1, signal: 'killed' }],
])('finds the end of a shell that its daemon has not reported: %s', async (script, end) => {
  const pid = await zombieOf(script);
  expect(await watchShellEnd(envd, pid, AbortSignal.timeout(120_000))).toEqual(end);
});

it('waits while the shell runs, and gives up when aborted', async () => {
  expect(await watchShellEnd(envd, process.pid, AbortSignal.timeout(1_000))).toBeNull();
});

it('takes a garbled answer for no end', () => {
  for (const text of ['', 'cat: /proc/7/stat: No such file or directory', '7 (Z) 3', '7 (bash) Z 1 2'])
    expect(endInStat(text)).toBeNull();
});

it('does not take the end of a connection for held output', async () => {
  expect(await isOutputHeld(envd, 7, AbortSignal.timeout(5_000))).toBe(false);
});

import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox, type SandboxOpts } from '@moru-ai/core';

/**
 * The local engine with 50 sandboxes, each with a running process: the time from creation to the first response, of a command,
 * a pause, a resume and a kill, and the private memory of each sandbox.
 */

const COUNT = Number(process.argv[2] ?? 50);

const dataDir = mkdtempSync(join(tmpdir(), 'sandkeeper-bench-'));
chmodSync(dataDir, 0o711);
const engine = spawn(
  process.execPath,
  ['build/engine.mjs', '--port', '0', '--data-dir', dataDir, '--max-running', String(COUNT + 1)],
  { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
);
const { url, apiKey } = await new Promise<{ url: string; apiKey: string }>((resolve, reject) => {
  engine.once('message', (message) => resolve(message as { url: string; apiKey: string }));
  engine.once('exit', () => reject(new Error('the engine did not start')));
});
// The static methods accept options that their types omit.
const connection = { apiKey, apiUrl: url, sandboxUrl: url } as SandboxOpts;

try {
  const sandboxes: Sandbox[] = [];
  const starts: number[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    const sandbox = await Sandbox.create(connection);
    starts.push(await timed(() => sandbox.commands.run('sleep 3600', { background: true, timeoutMs: 0 })));
    sandboxes.push(sandbox);
  }
  print('start_p50_ms', quantile(starts, 0.5), 'ms');
  print('start_p95_ms', quantile(starts, 0.95), 'ms');

  const commands: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const sandbox = sandboxes[n % sandboxes.length];
    commands.push(await timed(async () => sandbox?.commands.run('true')));
  }
  print('command_p50_ms', quantile(commands, 0.5), 'ms');
  print('command_p95_ms', quantile(commands, 0.95), 'ms');
  print('private_mb_per_sandbox', privateBytes(engine.pid ?? 0) / COUNT / 2 ** 20, 'MB');
  print('engine_rss_mb', rssBytes(engine.pid ?? 0) / 2 ** 20, 'MB');

  const times = { pause: [] as number[], resume: [] as number[], kill: [] as number[] };
  for (const { sandboxId } of sandboxes) {
    times.pause.push(await timed(() => Sandbox.betaPause(sandboxId, connection)));
    times.resume.push(await timed(() => Sandbox.connect(sandboxId, connection)));
    times.kill.push(await timed(() => Sandbox.kill(sandboxId, connection)));
  }
  for (const [name, values] of Object.entries(times)) {
    print(`${name}_p50_ms`, quantile(values, 0.5), 'ms');
    print(`${name}_p95_ms`, quantile(values, 0.95), 'ms');
  }
} finally {
  engine.removeAllListeners('exit');
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  engine.kill('SIGTERM');
  await ended;
  rmSync(dataDir, { recursive: true, force: true });
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function print(figure: string, value: number, unit: string): void {
  console.log(JSON.stringify({ bench: 'engine', figure, value: Math.round(value * 100) / 100, unit }));
}

/** The private memory of all descendants of a process. */
function privateBytes(rootPid: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readText(`/proc/${name}/stat`) : '';
    if (stat) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && parent > 0 && (parent === rootPid || isBelow(parent));
  };
  let total = 0;
  for (const pid of parents.keys()) {
    if (!isBelow(pid)) continue;
    for (const [, kib] of readText(`/proc/${pid}/smaps_rollup`).matchAll(/^Private_\w+:\s+(\d+) kB/gm)) {
      total += Number(kib) * 1024;
    }
  }
  return total;
}

function rssBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

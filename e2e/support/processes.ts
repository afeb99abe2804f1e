import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../scripts/lib/ports.mjs';

/** The root of the checkout. The bundled benchmarks are also two folders below it. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 10_000;
const LAST_OUTPUT_CHARS = 64_000;

export type Service<Ready> = {
  process: ChildProcess;
  ready: Ready;
  /** The end of its output. */
  log: () => string;
};

/** Starts one of our programs and waits for its `ready` message. */
export async function startService<Ready>(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Service<Ready>> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let lastOutput = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      lastOutput = (lastOutput + text).slice(-LAST_OUTPUT_CHARS);
    });
  }
  return new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new Error(`${args.join(' ')} ${reason}\n${lastOutput.slice(-4_000)}`));
    const timer = setTimeout(() => {
      fail('was not ready in time');
      child.kill('SIGKILL');
    }, READY_WITHIN_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      fail('ended before it was ready');
    });
    child.on('message', (message: { type?: string; message?: string } & Ready) => {
      if (message.type === 'failed') fail(message.message ?? 'failed');
      if (message.type !== 'ready') return;
      clearTimeout(timer);
      resolve({ process: child, ready: message, log: () => lastOutput });
    });
  });
}

/** Stops a program and waits for its exit. Kills it after `STOPPED_WITHIN_MS`. */
export async function stopService({ process: child }: Pick<Service<unknown>, 'process'>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

/** Kills a program with SIGKILL and waits for its exit. */
export async function crashService({ process: child }: Pick<Service<unknown>, 'process'>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Below the ephemeral ports, or an outgoing connection could take the port before the server does. */
const PORTS = { first: 15_000, count: 15_000 };

/** Returns a port that is free now. */
export async function freePort(): Promise<number> {
  const first = PORTS.first + Math.floor(Math.random() * PORTS.count);
  const port = await findFreePort(first, '127.0.0.1');
  if (port === undefined) throw new Error('No port is free.');
  return port;
}

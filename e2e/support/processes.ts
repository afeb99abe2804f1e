import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../scripts/lib/ports.mjs';

/** The checkout. Two folders up from here, and from where the measurements are bundled to. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 10_000;
const LAST_WORDS_CHARS = 4_000;

export type Service<Ready> = { process: ChildProcess; ready: Ready };

/** Starts one of our programs and waits for what it says once it is ready. */
export async function startService<Ready>(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Service<Ready>> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let lastWords = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-LAST_WORDS_CHARS);
    });
  }
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`${args.join(' ')} ${reason}\n${lastWords}`));
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
      resolve({ process: child, ready: message });
    });
  });
}

/** Asks a program to stop and waits until it has. */
export async function stopService({ process: child }: Service<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

/** Kills a program outright and waits until it is gone. */
export async function crashService({ process: child }: Service<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Below those from which connections are made, so that none takes the port before the server that is to have it. */
const PORTS = { first: 15_000, count: 15_000 };

/** A port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const first = PORTS.first + Math.floor(Math.random() * PORTS.count);
  const port = await findFreePort(first, '127.0.0.1');
  if (port === undefined) throw new Error('There is no free port.');
  return port;
}

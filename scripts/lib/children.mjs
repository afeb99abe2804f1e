// @ts-check
/**
 * Every process that a command starts is started and ended here. Each leads a process group of its own, so Ctrl-C in a
 * terminal reaches the command alone and the command decides who stops when, and a group can be ended as a whole.
 */
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { dim } from './terminal.mjs';

const isWindows = process.platform === 'win32';
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: Error }} Ending */

/** @type {Map<ChildProcess, Promise<Ending>>} */
const running = new Map();
let isStopping = false;

// Whatever ends this process early, nothing stays behind. (When it is killed outright, services notice the lost channel.)
process.on('exit', () => {
  for (const child of running.keys()) signalGroup(child, 'SIGKILL');
});

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {ChildProcess}
 */
export function startProcess(command, args, options = {}) {
  const child = spawn(command, args, { detached: !isWindows, ...options });
  const ending = new Promise((/** @type {(ending: Ending) => void} */ resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    // `close` waits for everybody who inherited the output; a stray grandchild must not hold us up.
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => resolve({ code, signal }), 1000);
      child.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
  running.set(child, ending);
  ending.then(() => running.delete(child));
  return child;
}

/**
 * @param {ChildProcess} child one that `startProcess` returned
 * @returns {Promise<Ending>}
 */
export async function waitForEnd(child) {
  const ending = await (running.get(child) ?? { code: child.exitCode, signal: child.signalCode });
  // While the command is being stopped nobody should conclude anything from a child's end.
  return isStopping ? new Promise(() => {}) : ending;
}

/** @param {Ending} ending */
function describeEnding({ code, signal, error }) {
  if (error) return error.message;
  return signal ? `ended by ${signal}` : `exit code ${code}`;
}

/** @param {ChildProcess} child @param {NodeJS.Signals} signal */
export function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(isWindows ? child.pid : -child.pid, signal);
  } catch {
    // Gone already.
  }
}

/**
 * Asks a process to stop, waits, and ends its whole group if it does not or leaves something behind.
 * @param {ChildProcess} child
 * @param {{ graceMs?: number, signal?: NodeJS.Signals, wholeGroup?: boolean }} [options] `wholeGroup` asks everybody in
 *   the group, as Ctrl-C would; otherwise the leader is asked and looks after its own
 */
export async function stopProcess(child, { graceMs = 5000, signal = 'SIGTERM', wholeGroup = false } = {}) {
  const ending = running.get(child);
  if (!ending) return;
  if (wholeGroup) signalGroup(child, signal);
  else child.kill(signal);
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  await ending;
  clearTimeout(timer);
  signalGroup(child, 'SIGKILL');
}

/**
 * Calls `stop` once when the command is asked to end. Asking again after a second ends everything at once; sooner it is
 * the same request arriving twice, because npm passes Ctrl-C on to a process that has already had it from the terminal.
 * @param {() => Promise<void>} stop
 */
export function onStopRequest(stop) {
  let askedAt = 0;
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) {
    process.on(signal, () => {
      if (isStopping) {
        if (Date.now() - askedAt > 1000) process.exit(1);
        return;
      }
      isStopping = true;
      askedAt = Date.now();
      stop();
    });
  }
}

/** Stops whatever still runs, all at once, as Ctrl-C in a terminal would. */
export async function stopEverything() {
  await Promise.all(
    [...running.keys()].map((child) => stopProcess(child, { signal: 'SIGINT', wholeGroup: true })),
  );
}

/**
 * A service of ours: a Node process that says over its IPC channel when it is ready (`{type: 'ready', …}`) or why it
 * cannot be (`{type: 'failed', message}`). Its output is passed on line by line under its name.
 * @param {string} name such as "engine"
 * @param {string[]} args for node
 * @param {{ env: NodeJS.ProcessEnv, cwd: string, readyTimeoutMs: number }} options
 */
export function startService(name, args, { env, cwd, readyTimeoutMs }) {
  const child = startProcess(process.execPath, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  /** @type {string[]} */
  const lastWords = [];
  /** @type {string | undefined} */
  let failure;
  for (const [stream, target] of /** @type {const} */ ([
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ])) {
    if (!stream) continue;
    readline.createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      target.write(`${dim(`${name} │`)} ${line}\n`);
      if (target === process.stderr && lastWords.push(line) > 20) lastWords.shift();
    });
  }

  /** Resolves with a sentence when the service ends without having been asked to. */
  const death = waitForEnd(child).then((ending) => {
    if (failure) return `The ${name} could not start: ${failure}`;
    const tail =
      lastWords.length > 0 ? ` Its last words:\n${lastWords.map((line) => `  ${line}`).join('\n')}` : '';
    return `The ${name} stopped unexpectedly (${describeEnding(ending)}).${tail}`;
  });

  /** @type {Promise<any>} the ready message; pending for ever when the service dies first */
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      if (!isStopping) reject(new Error(`The ${name} was not ready after ${readyTimeoutMs / 1000} seconds.`));
    }, readyTimeoutMs);
    child.once('exit', () => clearTimeout(timer));
    child.on('message', (/** @type {any} */ message) => {
      if (message?.type === 'failed') failure = String(message.message);
      if (message?.type !== 'ready') return;
      clearTimeout(timer);
      resolve(message);
    });
  });
  return { name, ready, death, stop: () => stopProcess(child) };
}

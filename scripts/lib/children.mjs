// @ts-check
/**
 * Every process that a command starts is started and ended here. Each leads a process group of its own, so Ctrl-C in a
 * terminal reaches the command alone and the command decides who stops when, and a group can be ended as a whole.
 */
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { dim } from './terminal.mjs';

const isWindows = process.platform === 'win32';
const graceMs = 5000;
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: Error }} Ending */

/** @type {Map<ChildProcess, Promise<Ending>>} */
const running = new Map();
/** Those of them that are stopped one after the other, last started first, by asking their leader. */
const services = new Set();
let isStopping = false;

// Whatever ends this process early, nothing stays behind. (When it is killed outright, services notice the lost channel.)
process.on('exit', () => {
  for (const child of running.keys()) signalGroup(child, 'SIGKILL');
});

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { isService?: boolean }} [options] `isService` for a long-lived
 *   program of ours, which looks after its own children
 * @returns {ChildProcess}
 */
export function startProcess(command, args, { isService = false, ...options } = {}) {
  const child = spawn(command, args, { detached: !isWindows, ...options });
  if (isService) services.add(child);
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
 */
async function stopProcess(child) {
  const ending = running.get(child);
  if (!ending) return;
  if (services.has(child)) child.kill('SIGTERM');
  else signalGroup(child, 'SIGINT'); // A tool is used to Ctrl-C, which reaches its children too.
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  await ending;
  clearTimeout(timer);
  signalGroup(child, 'SIGKILL');
}

/**
 * Stops everything that runs, then this process.
 * @param {number} exitCode
 * @returns {Promise<never>}
 */
export async function stopAndExit(exitCode) {
  isStopping = true;
  for (const service of [...services].reverse()) await stopProcess(service);
  await Promise.all([...running.keys()].map(stopProcess));
  process.exit(exitCode);
}

/**
 * Stops everything when the command is asked to end: by a signal, or by npm going away without passing its own on (it
 * sends it to the shell between us, which dies and tells nobody). Asking again after a second ends everything at once;
 * sooner it is the same request arriving twice, because npm repeats a Ctrl-C that the terminal has already sent.
 * @param {{ exitCode: number, onRequest?: () => void }} options
 */
export function obeyStopRequests({ exitCode, onRequest }) {
  let askedAt = 0;
  const stop = () => {
    if (askedAt > 0 && Date.now() - askedAt > 1000) process.exit(1);
    if (isStopping) return;
    askedAt = Date.now();
    onRequest?.();
    stopAndExit(exitCode);
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 250);
  watch.unref();
}

/**
 * A service of ours: a Node process that says over its IPC channel when it is ready (`{type: 'ready', …}`) or why it
 * cannot be (`{type: 'failed', message}`). Its output is passed on line by line under its name, once it is ready.
 * @param {string} name such as "engine"
 * @param {string[]} args for node
 * @param {{ env: NodeJS.ProcessEnv, cwd: string, readyTimeoutMs: number }} options
 */
export function startService(name, args, { env, cwd, readyTimeoutMs }) {
  const child = startProcess(process.execPath, args, {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    isService: true,
  });
  /** @type {string[]} */
  const lastWords = [];
  /** @type {string | undefined} */
  let failure;
  let isReady = false;
  const show = (/** @type {NodeJS.WriteStream} */ target, /** @type {string} */ line) =>
    target.write(`${dim(`${name} │`)} ${line}\n`);
  /** @param {import('node:stream').Readable | null} stream @param {(line: string) => void} onLine */
  const readLines = (stream, onLine) => {
    if (stream)
      readline.createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
  };
  // What a service prints while it starts is chatter; complaints are held back until it is known what came of it.
  readLines(child.stdout, (line) => isReady && show(process.stdout, line));
  readLines(child.stderr, (line) => {
    if (isReady) show(process.stderr, line);
    if (lastWords.push(line) > 20) lastWords.shift();
  });
  const quoteLastWords = () =>
    lastWords.length > 0 ? ` Its last words:\n${lastWords.map((line) => `  ${line}`).join('\n')}` : '';

  /** Resolves with a sentence when the service ends without having been asked to. */
  const death = waitForEnd(child).then((ending) => {
    if (failure) return `The ${name} could not start: ${failure}`;
    return `The ${name} stopped unexpectedly (${describeEnding(ending)}).${quoteLastWords()}`;
  });

  /** @type {Promise<any>} the ready message; pending for ever when the service dies first */
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new Error(`The ${name} was not ready after ${readyTimeoutMs / 1000} seconds.${quoteLastWords()}`),
      );
    }, readyTimeoutMs);
    child.once('exit', () => clearTimeout(timer));
    child.on('message', (/** @type {any} */ message) => {
      if (message?.type === 'failed') failure = String(message.message);
      if (message?.type !== 'ready') return;
      clearTimeout(timer);
      isReady = true;
      for (const line of lastWords) show(process.stderr, line);
      resolve(message);
    });
  });
  return { ready, death };
}

/**
 * The lines with which any Moru SDK drives the local engine.
 * @param {{ url: string, apiKey: string }} engine its ready message
 */
export function describeExports({ url, apiKey }) {
  return [
    `  export MORU_API_URL=${url}`,
    `  export MORU_SANDBOX_URL=${url}`,
    `  export MORU_API_KEY=${apiKey}`,
  ].join('\n');
}

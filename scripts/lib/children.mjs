// @ts-check
/**
 * Starts and ends all child processes of a command. Each child leads a process group: Ctrl-C in a terminal reaches only the
 * command, which then stops its children in order, and a group can be killed as a whole. Imports no package, because
 * commands install the packages through it (docs/decisions/child-processes-and-cookies.md).
 */
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { dim } from './terminal.mjs';

const isWindows = process.platform === 'win32';
/** How long a process has to stop before it is killed. */
let graceMs = 5000;
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {{ env: NodeJS.ProcessEnv, cwd: string, readyTimeoutMs: number }} ServiceOptions */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: Error }} Ending */

/** @type {Map<ChildProcess, Promise<Ending>>} */
const running = new Map();
/**
 * Children that are stopped one at a time, the last one first, by a signal to the leader only.
 * @type {ChildProcess[]}
 */
const services = [];
let isStopping = false;

// Leaves no child behind. After a SIGKILL of this process, services notice that their IPC channel is closed.
process.on('exit', () => {
  for (const child of running.keys()) signalGroup(child, 'SIGKILL');
});

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { isService?: boolean, replaces?: ChildProcess }} [options]
 *   `isService`: a long-lived program of ours that stops its own children; `replaces`: the service whose place in the
 *   order it takes
 * @returns {ChildProcess}
 */
export function startProcess(command, args, { isService = false, replaces, ...options } = {}) {
  const child = spawn(command, args, { detached: !isWindows, ...options });
  const place = replaces ? services.indexOf(replaces) : -1;
  if (place >= 0) services[place] = child;
  else if (isService) services.push(child);
  const ending = new Promise((/** @type {(ending: Ending) => void} */ resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    // `close` waits for every process that inherited the output. A stray grandchild must not delay us.
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
  // While the command stops, the end of a child means nothing.
  return isStopping ? new Promise(() => {}) : ending;
}

/** @param {Ending} ending */
export function describeEnding({ code, signal, error }) {
  if (error) return error.message;
  return signal ? `ended by ${signal}` : `exit code ${code}`;
}

/** @param {ChildProcess} child @param {NodeJS.Signals} signal */
export function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(isWindows ? child.pid : -child.pid, signal);
  } catch {
    // It has already ended.
  }
}

/**
 * Asks a process to stop, waits, and then kills what is left of its group.
 * @param {ChildProcess} child
 */
async function stopProcess(child) {
  const ending = running.get(child);
  if (!ending) return;
  if (services.includes(child)) child.kill('SIGTERM');
  else signalGroup(child, 'SIGINT'); // Like Ctrl-C, which reaches the children of a tool, too.
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  await ending;
  clearTimeout(timer);
  signalGroup(child, 'SIGKILL');
}

/**
 * Stops all children, then this process.
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
 * Stops the command on a signal, or when npm has ended: npm signals only the shell between it and us, which does not pass
 * the signal on. A second signal after more than a second ends everything at once. An earlier one is the same Ctrl-C again,
 * which npm repeats after the terminal has sent it.
 * @param {{ exitCode: number, onRequest?: () => void, stopWithinMs?: number }} options
 */
export function handleStopSignals({ exitCode, onRequest, stopWithinMs = graceMs }) {
  graceMs = stopWithinMs;
  let requestedAt = 0;
  const stop = () => {
    if (requestedAt > 0 && Date.now() - requestedAt > 1000) process.exit(1);
    if (isStopping) return;
    requestedAt = Date.now();
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
 * Starts a service: a Node.js process that reports over its IPC channel that it is ready (`{type: 'ready', …}`) or that it
 * cannot start (`{type: 'failed', message}`). Once it is ready, its output is printed line by line, prefixed with its name.
 * @param {string} name such as "engine"
 * @param {string[]} args for node
 * @param {ServiceOptions & { replaces?: ChildProcess }} options
 */
export function startService(name, args, { env, cwd, readyTimeoutMs, replaces }) {
  const child = startProcess(process.execPath, args, {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    isService: true,
    ...(replaces && { replaces }),
  });
  /** @type {string[]} */
  const lastLines = [];
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
  // Output during the start is dropped. Errors are held until the service is ready or has failed.
  readLines(child.stdout, (line) => isReady && show(process.stdout, line));
  readLines(child.stderr, (line) => {
    if (isReady) show(process.stderr, line);
    if (lastLines.push(line) > 20) lastLines.shift();
  });
  const quoteLastLines = () =>
    lastLines.length > 0 ? ` Its last output:\n${lastLines.map((line) => `  ${line}`).join('\n')}` : '';

  /** Resolves to a sentence when the service ends without a request to stop. */
  const death = waitForEnd(child).then((ending) => {
    if (failure) return `The ${name} could not start: ${failure}`;
    return `The ${name} stopped unexpectedly (${describeEnding(ending)}).${quoteLastLines()}`;
  });

  /** @type {Promise<any>} the ready message; never settles if the service ends first */
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new Error(`The ${name} was not ready after ${readyTimeoutMs / 1000} seconds.${quoteLastLines()}`),
      );
    }, readyTimeoutMs);
    child.once('exit', () => clearTimeout(timer));
    child.on('message', (/** @type {any} */ message) => {
      if (message?.type === 'failed') failure = String(message.message);
      if (message?.type !== 'ready') return;
      clearTimeout(timer);
      isReady = true;
      for (const line of lastLines) show(process.stderr, line);
      resolve(message);
    });
  });
  return { child, ready, death };
}

/**
 * Keeps a service running: when it ends by itself, it is started again after a wait that doubles with every failure.
 * Throws if the first start fails.
 * @param {string} name
 * @param {(previous: any) => string[]} argsAfter the arguments, given the ready message of the previous start if any
 * @param {ServiceOptions & {
 *   onDown?: (sentence: string, waitMs: number) => void,
 *   onUp?: () => void,
 *   firstWaitMs?: number,
 *   maxWaitMs?: number,
 * }} options
 * @returns {Promise<any>} the ready message
 */
export async function superviseService(
  name,
  argsAfter,
  { onDown, onUp, firstWaitMs = 500, maxWaitMs = 30_000, ...options },
) {
  let service = startService(name, argsAfter(undefined), options);
  const ready = await firstOf(service);

  const supervise = async () => {
    let waitMs = firstWaitMs;
    for (;;) {
      const upAt = Date.now();
      let sentence = await service.death;
      // After a long run, a crash is the first of its kind.
      if (Date.now() - upAt > 2 * maxWaitMs) waitMs = firstWaitMs;
      for (let isUp = false; !isUp; waitMs = Math.min(2 * waitMs, maxWaitMs)) {
        onDown?.(sentence, waitMs);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (isStopping) return;
        service = startService(name, argsAfter(ready), { ...options, replaces: service.child });
        isUp = await firstOf(service).then(
          () => true,
          (error) => {
            sentence = error.message;
            // It may hang instead of ending.
            signalGroup(service.child, 'SIGKILL');
            return false;
          },
        );
      }
      onUp?.();
    }
  };
  void supervise();
  return ready;
}

/**
 * The ready message of a service. Throws the sentence about its end if it ends before.
 * @param {{ ready: Promise<any>, death: Promise<string> }} service
 */
function firstOf({ ready, death }) {
  return Promise.race([
    ready,
    death.then((sentence) => {
      throw new Error(sentence);
    }),
  ]);
}

/**
 * The shell commands that point a Moru SDK at the local engine.
 * @param {{ url: string, apiKey: string }} engine its ready message
 */
export function describeExports({ url, apiKey }) {
  return [
    `  export MORU_API_URL=${url}`,
    `  export MORU_SANDBOX_URL=${url}`,
    `  export MORU_API_KEY=${apiKey}`,
  ].join('\n');
}

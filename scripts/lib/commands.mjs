// @ts-check
import readline from 'node:readline';
import { signalGroup, startProcess, waitForEnd } from './children.mjs';
import { inRoot, root } from './paths.mjs';
import { CommandError, complain, dim, say, startProgress } from './terminal.mjs';

const isWindows = process.platform === 'win32';

/**
 * @typedef {object} RunOptions
 * @property {Record<string, string>} [env] added to the environment of this process
 * @property {number} [timeoutMs] after which the command is killed and counts as failed
 * @property {(child: import('node:child_process').ChildProcess) => void} [onStart]
 * @property {string} [cwd] the checkout by default
 * @property {number} [uid] the user it runs as
 * @property {number} [gid]
 * @property {string} [label] set while other commands run: put before each line of the output
 */

/** @param {string} name of a package's command, such as "next" */
export const installedCommand = (name) => inRoot('node_modules', '.bin', name);

/** @param {string} command @param {string[]} args @param {RunOptions} options @param {'inherit' | 'pipe'} output */
function start(command, args, { env, timeoutMs, onStart, cwd = root, uid, gid }, output) {
  const child = startProcess(command, args, {
    cwd,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    // Some tools use colour in a log, too.
    env: { ...process.env, ...(!process.stdout.isTTY && { NO_COLOR: '1', FORCE_COLOR: undefined }), ...env },
    stdio: ['ignore', output, output],
    shell: isWindows,
  });
  if (timeoutMs) {
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), timeoutMs);
    child.once('exit', () => clearTimeout(timer));
  }
  onStart?.(child);
  return child;
}

/** @param {import('node:stream').Readable} output @param {string} label */
function labelLines(output, label) {
  const lines = readline.createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', (line) => say(`${dim(`${label.padEnd(10)} │`)} ${line}`));
}

/**
 * Runs a command and shows its output.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<import('./children.mjs').Ending>}
 */
export async function runToEnd(command, args, options = {}) {
  const { label } = options;
  const child = start(command, args, options, label ? 'pipe' : 'inherit');
  if (label) for (const output of [child.stdout, child.stderr]) if (output) labelLines(output, label);
  const ending = await waitForEnd(child);
  if (ending.error) complain(ending.error.message);
  return ending;
}

/**
 * Runs a command and shows its output.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<boolean>} whether it succeeded
 */
export async function runVisibly(command, args, options) {
  return (await runToEnd(command, args, options)).code === 0;
}

/**
 * Runs a command and returns its output.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ ok: boolean, stdout: string, output: string }>} `output` is stdout and stderr, interleaved
 */
export async function capture(command, args, options = {}) {
  const child = start(command, args, options, 'pipe');
  /** @type {Buffer[]} */
  const stdout = [];
  /** @type {Buffer[]} */
  const output = [];
  child.stdout?.on('data', (chunk) => {
    stdout.push(chunk);
    output.push(chunk);
  });
  child.stderr?.on('data', (chunk) => output.push(chunk));
  const ending = await waitForEnd(child);
  if (ending.error) output.push(Buffer.from(`${ending.error.message}\n`));
  return {
    ok: ending.code === 0,
    stdout: Buffer.concat(stdout).toString(),
    output: Buffer.concat(output).toString(),
  };
}

/**
 * Runs a long step behind a progress line. Its output is shown only if it fails.
 * @param {string} title
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @throws {CommandError} when it fails
 */
export async function runQuietly(title, command, args, options = {}) {
  const progress = startProgress(title);
  const { ok, output } = await capture(command, args, options);
  if (ok) return progress.succeed();
  progress.fail();
  complain(output.trimEnd());
  throw new CommandError(`${title} failed. Its output is above.`);
}

/**
 * Runs an optional step behind a progress line. Of a failure, shows the first line that mentions an error.
 * @param {string} title
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<boolean>} whether it succeeded
 */
export async function tryQuietly(title, command, args, options = {}) {
  const progress = startProgress(title);
  const { ok, output } = await capture(command, args, options);
  if (ok) {
    progress.succeed();
    return true;
  }
  progress.fail();
  const lines = output.split('\n').filter((line) => line.trim());
  const reason = lines.find((line) => /^(E:|.*error)/i.test(line)) ?? lines.at(-1);
  if (reason) complain(dim(`  ${reason.trim()}`));
  return false;
}

// @ts-check
/** The output of the commands. Colour and live lines only on a terminal. */

function usesColour() {
  return Boolean(process.stdout.isTTY && process.stderr.isTTY) && !process.env.NO_COLOR;
}

/** @param {number} open @param {number} close */
const paintWith = (open, close) => (/** @type {string} */ text) =>
  usesColour() ? `\u001b[${open}m${text}\u001b[${close}m` : text;

export const bold = paintWith(1, 22);
export const dim = paintWith(2, 22);
export const red = paintWith(31, 39);
export const green = paintWith(32, 39);
export const yellow = paintWith(33, 39);

/** @param {string} [text] */
export function say(text = '') {
  process.stdout.write(`${text}\n`);
}

/** @param {string} text */
export function complain(text) {
  process.stderr.write(`${text}\n`);
}

/** @param {number} ms */
export function formatSeconds(ms) {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** A failure with a message for people, printed without its stack. */
export class CommandError extends Error {}

/** @param {unknown} error */
export function describeError(error) {
  if (error instanceof CommandError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Runs the main function of a command. Prints a `CommandError` as a sentence and any other error with its stack; both exit 1.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  // A closed terminal must not crash the command before it has stopped its children.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    await main();
  } catch (error) {
    complain(red(describeError(error)));
    process.exit(1);
  }
}

/**
 * Shows the progress of a long step: one line with a counter on a terminal, two lines in a log. Writes to stderr, so that
 * stdout has only the result of the command.
 * @param {string} title such as "Installing packages"
 */
export function startProgress(title) {
  const startedAt = Date.now();
  const isLive = Boolean(process.stderr.isTTY);
  const elapsed = () => formatSeconds(Date.now() - startedAt);
  const draw = () =>
    process.stderr.write(`\r\u001b[2K${title} … ${Math.floor((Date.now() - startedAt) / 1000)} s`);
  if (isLive) draw();
  else complain(`${title} …`);
  const timer = isLive ? setInterval(draw, 1000) : undefined;
  /** @param {string} line */
  const finish = (line) => {
    clearInterval(timer);
    complain(`${isLive ? '\r\u001b[2K' : ''}${line}`);
  };
  return {
    succeed: () => finish(`${green('✓')} ${title} ${dim(`(${elapsed()})`)}`),
    fail: () => finish(`${red('✗')} ${title} ${dim(`(${elapsed()})`)}`),
  };
}

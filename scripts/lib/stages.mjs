// @ts-check
import { bold, complain, describeError, dim, formatSeconds, green, red, say, yellow } from './terminal.mjs';
import { failureLines, slowestLines } from './test-reports.mjs';

/** @typedef {import('./test-reports.mjs').Tally} Tally */

/**
 * `run` gets a label for the lines of its output while other stages run beside it.
 * @typedef {{ name: string, run: (label?: string) => Promise<Tally> }} Stage
 */

/**
 * Stages that run at the same time: each lane runs its own in order.
 * @typedef {Stage[][]} Round
 */

/** A stage that is one check. @param {boolean} ok @returns {Tally} */
export const oneCheck = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 });

/**
 * Reads the output of `npm audit --json`. A registry that does not answer is not a failure.
 * @param {string} output
 * @returns {Tally}
 */
export function readAudit(output) {
  const report = (() => {
    try {
      return JSON.parse(output);
    } catch {
      return undefined;
    }
  })();
  const counts = report?.metadata?.vulnerabilities;
  if (!counts) return { passed: 0, failed: 0, note: 'not checked: the registry did not answer' };
  const grave = Object.values(report.vulnerabilities ?? {})
    .filter(({ severity }) => severity === 'high' || severity === 'critical')
    .map(({ name, severity, via }) => {
      const titles = via.map((/** @type {any} */ cause) => (typeof cause === 'string' ? cause : cause.title));
      return `${name} (${severity}): ${titles.join('; ')}`;
    });
  for (const line of grave) complain(line);
  return oneCheck(counts.high + counts.critical === 0);
}

/** The last line of a test run. @param {Tally[]} tallies */
export function summaryLine(tallies) {
  const sum = (/** @type {'passed' | 'failed'} */ key) =>
    tallies.reduce((total, tally) => total + tally[key], 0);
  return `${sum('passed')} passed, ${sum('failed')} failed`;
}

/** @param {string} title */
function header(title) {
  const time = new Date().toTimeString().slice(0, 8);
  say(`\n${bold(title)} ${dim(`${'─'.repeat(Math.max(4, 60 - title.length))} ${time}`)}`);
}

/**
 * Runs a stage and prints its result.
 * @param {Stage} stage
 * @param {string} [label]
 * @returns {Promise<{ tally: Tally, line: string }>}
 */
async function runStage({ name, run }, label) {
  header(name);
  const startedAt = Date.now();
  const tally = await run(label).catch((error) => {
    complain(red(describeError(error)));
    return { ...oneCheck(false), failures: [{ name, text: describeError(error) }] };
  });
  const { passed, failed, note } = tally;
  const mark = failed > 0 ? red('✗') : passed > 0 ? green('✓') : dim('–');
  const line = `${mark} ${name.padEnd(10)} ${summaryLine([tally])}${note ? `, ${note}` : ''} ${dim(`(${formatSeconds(Date.now() - startedAt)})`)}`;
  say(line);
  return { tally, line };
}

/**
 * Runs all rounds one after another, also after a failure, and prints the sum.
 * @param {Round[]} rounds
 * @param {string} [hint] printed before the sum
 * @returns {Promise<boolean>} whether all passed
 */
export async function runStages(rounds, hint) {
  const startedAt = Date.now();
  /** @type {{ tally: Tally, line: string }[]} */
  const results = [];
  for (const lanes of rounds) {
    const isShared = lanes.length > 1;
    const done = await Promise.all(
      lanes.map(async (lane) => {
        const ended = [];
        for (const stage of lane) ended.push(await runStage(stage, isShared ? stage.name : undefined));
        return ended;
      }),
    );
    results.push(...done.flat());
  }
  const tallies = results.map(({ tally }) => tally);
  header('result');
  for (const { line } of results) say(line);
  const slowest = slowestLines(tallies.flatMap(({ files = [] }) => files));
  if (slowest.length > 0) say(dim(`\nSlowest test files:\n${slowest.join('\n')}`));
  if (hint) say(dim(`\n${hint}`));
  const retried = failureLines(tallies.flatMap(({ retried = [] }) => retried));
  if (retried.length > 0) say(yellow(`\nPassed on retry:\n${retried.join('\n')}`));
  const failures = failureLines(tallies.flatMap(({ failures = [] }) => failures));
  if (failures.length > 0) say(red(`\nFailed:\n${failures.join('\n')}`));
  say(`\n${dim(`All stages: ${formatSeconds(Date.now() - startedAt)}`)}`);
  say(summaryLine(tallies));
  return tallies.some((tally) => tally.passed > 0) && tallies.every((tally) => tally.failed === 0);
}

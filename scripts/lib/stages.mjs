// @ts-check
import fs from 'node:fs';
import { bold, complain, describeError, dim, formatSeconds, green, red, say } from './terminal.mjs';

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {string} [note] said beside the result
 */

/** @typedef {{ name: string, run: () => Promise<Tally> }} Stage */

/** A stage that is one check. @param {boolean} ok @returns {Tally} */
export const oneCheck = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 });

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Counts a test runner's result. Whatever it may say, a run that failed, left no report or ran nothing has failed: a
 * check that cannot fail is a defect.
 * @param {{ passed: number, failed: number, skipped: number } | undefined} counted
 * @param {boolean} ok whether the runner was content
 * @returns {Tally}
 */
function judge(counted, ok) {
  if (!counted) return { passed: 0, failed: 1, note: 'the test runner left no report' };
  const { passed, failed, skipped } = counted;
  const skippedNote = skipped > 0 ? `${skipped} skipped` : undefined;
  if (failed > 0) return { passed, failed, note: skippedNote };
  if (passed === 0) return { passed, failed: 1, note: 'no test ran' };
  if (!ok) return { passed, failed: 1, note: 'the test runner failed outside of any test' };
  return { passed, failed, note: skippedNote };
}

/** @param {string} file vitest's JSON report @param {boolean} ok @returns {Tally} */
export function readVitestReport(file, ok) {
  const report = readReport(file);
  if (!report) return judge(undefined, ok);
  // A file that could not even be loaded has no failed test to count, so it counts itself.
  const unloaded = report.testResults.filter(
    (/** @type {any} */ result) =>
      result.status === 'failed' &&
      !result.assertionResults.some((/** @type {any} */ test) => test.status === 'failed'),
  ).length;
  return judge(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + unloaded,
      skipped: report.numPendingTests + report.numTodoTests,
    },
    ok,
  );
}

/** @param {string} file Playwright's JSON report @param {boolean} ok @returns {Tally} */
export function readPlaywrightReport(file, ok) {
  const stats = readReport(file)?.stats;
  // A flaky test failed at least once.
  return judge(
    stats && { passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped },
    ok,
  );
}

/**
 * Judges `npm audit --json`. No answer from the registry is not our failure.
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
 * Runs every stage, whatever the earlier ones said, and reports at the end.
 * @param {Stage[]} stages
 * @returns {Promise<boolean>} whether all is well
 */
export async function runStages(stages) {
  /** @type {Tally[]} */
  const tallies = [];
  /** @type {string[]} */
  const lines = [];
  for (const { name, run } of stages) {
    header(name);
    const startedAt = Date.now();
    const tally = await run().catch((error) => {
      complain(red(describeError(error)));
      return oneCheck(false);
    });
    const { passed, failed, note } = tally;
    const mark = failed > 0 ? red('✗') : passed > 0 ? green('✓') : dim('–');
    const line = `${mark} ${name.padEnd(8)} ${summaryLine([tally])}${note ? `, ${note}` : ''} ${dim(`(${formatSeconds(Date.now() - startedAt)})`)}`;
    say(line);
    tallies.push(tally);
    lines.push(line);
  }
  header('result');
  for (const line of lines) say(line);
  say(`\n${summaryLine(tallies)}`);
  return tallies.some((tally) => tally.passed > 0) && tallies.every((tally) => tally.failed === 0);
}

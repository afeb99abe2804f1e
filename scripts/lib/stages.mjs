// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from './paths.mjs';
import { bold, complain, describeError, dim, formatSeconds, green, red, say, yellow } from './terminal.mjs';

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {string} [note] printed next to the result
 * @property {FileTime[]} [files] how long each test file took
 */

/** @typedef {{ file: string, ms: number }} FileTime */

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

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {any} report vitest's @returns {FileTime[]} */
function timesInVitestReport(report) {
  return report.testResults
    .filter((/** @type {any} */ { name, endTime }) => name && endTime)
    .map((/** @type {any} */ { name, startTime, endTime }) => ({
      file: path.relative(inRoot('.'), name),
      ms: endTime - startTime,
    }));
}

/** @param {any[]} suites of Playwright's report @returns {FileTime[]} */
function timesInPlaywrightReport(suites) {
  const durationOf = (/** @type {any} */ { specs, suites: inner = [] }) => {
    const results = specs
      .flatMap((/** @type {any} */ { tests }) => tests)
      .flatMap((/** @type {any} */ test) => test.results ?? []);
    const own = results.reduce(
      (/** @type {number} */ sum, /** @type {any} */ { duration }) => sum + duration,
      0,
    );
    return inner.reduce(
      (/** @type {number} */ sum, /** @type {any} */ suite) => sum + durationOf(suite),
      own,
    );
  };
  return suites
    .filter(({ file }) => file)
    .map((suite) => ({ file: path.posix.join('e2e', suite.file), ms: durationOf(suite) }));
}

const SLOWEST_FILES = 10;

/** The slowest test files, one a line. @param {FileTime[]} files */
export function slowestLines(files) {
  return files
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST_FILES)
    .map(({ file, ms }) => `${formatSeconds(ms).padStart(8)}  ${file}`);
}

/** The counts of a test runner. `retried`: tests that failed and then passed, by name and reason.
 * @typedef {{ passed: number, failed: number, skipped: number, retried: string[] }} Counted
 */

/**
 * Converts the result of a test runner. A runner that failed, left no report or ran nothing counts as a failure.
 * @param {Counted | undefined} counted
 * @param {boolean} ok whether the runner succeeded
 * @returns {Tally}
 */
function judge(counted, ok) {
  if (!counted) return { passed: 0, failed: 1, note: 'the test runner left no report' };
  const { passed, failed, skipped, retried } = counted;
  for (const name of retried) complain(yellow(`Passed on retry: ${name}`));
  const notes = [
    skipped > 0 && `${skipped} skipped`,
    retried.length > 0 && `${retried.length} passed on retry`,
  ].filter(Boolean);
  const note = notes.length > 0 ? notes.join(', ') : undefined;
  if (failed > 0) return { passed, failed, note };
  if (passed === 0) return { passed, failed: 1, note: 'no test ran' };
  if (!ok) return { passed, failed: 1, note: 'the test runner failed outside of any test' };
  return { passed, failed, note };
}

/** @param {string} file vitest's JSON report @param {boolean} ok @returns {Tally} */
export function readVitestReport(file, ok) {
  const report = readReport(file);
  if (!report) return judge(undefined, ok);
  // A file that cannot be loaded has no failed test, so the file is counted.
  const unloaded = report.testResults.filter(
    (/** @type {any} */ result) =>
      result.status === 'failed' &&
      !result.assertionResults.some((/** @type {any} */ test) => test.status === 'failed'),
  ).length;
  const retried = report.testResults
    .flatMap((/** @type {any} */ result) => result.assertionResults)
    .filter((/** @type {any} */ test) => test.status === 'passed' && test.failureMessages?.length > 0)
    .map((/** @type {any} */ test) => `${test.fullName}\n${test.failureMessages.join('\n')}`);
  const tally = judge(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + unloaded,
      skipped: report.numPendingTests + report.numTodoTests,
      retried,
    },
    ok,
  );
  return { ...tally, files: timesInVitestReport(report) };
}

/** @param {string} file Playwright's JSON report @param {boolean} ok @returns {Tally} */
export function readPlaywrightReport(file, ok) {
  const report = readReport(file);
  if (!report) return judge(undefined, ok);
  const { expected, unexpected, flaky, skipped } = report.stats;
  const retried = flakyIn(report.suites);
  const tally = judge({ passed: expected + flaky, failed: unexpected, skipped, retried }, ok);
  return { ...tally, files: timesInPlaywrightReport(report.suites) };
}

/** @param {any[]} suites of Playwright's report, which nest @returns {string[]} */
function flakyIn(suites) {
  return suites.flatMap(({ specs, suites: inner = [] }) => [
    ...specs
      .filter((/** @type {any} */ { tests }) =>
        tests.some((/** @type {any} */ { status }) => status === 'flaky'),
      )
      .map((/** @type {any} */ { file, title }) => `${file}: ${title}`),
    ...flakyIn(inner),
  ]);
}

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
    return oneCheck(false);
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
  say(`\n${dim(`All stages: ${formatSeconds(Date.now() - startedAt)}`)}`);
  say(summaryLine(tallies));
  return tallies.some((tally) => tally.passed > 0) && tallies.every((tally) => tally.failed === 0);
}

// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describeEnding } from './children.mjs';
import { inRoot } from './paths.mjs';
import { complain, formatSeconds, yellow } from './terminal.mjs';

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {string} [note] printed next to the result
 * @property {FileTime[]} [files] how long each test file took
 * @property {Failure[]} [failures]
 * @property {Failure[]} [retried] tests that failed and then passed
 */

/** @typedef {{ file: string, ms: number }} FileTime */

/**
 * Something that failed: `name` in `file`, with the text of its error, which may have a stack.
 * @typedef {{ file?: string, name: string, text: string }} Failure
 */

/** @typedef {import('./children.mjs').Ending} Ending of a test runner */

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

const MAX_FAILURES = 20;
const MAX_LINES_OF_ERROR = 10;

/** Each failure with the first lines of its error. @param {Failure[]} failures @returns {string[]} */
export function failureLines(failures) {
  const lines = failures.slice(0, MAX_FAILURES).flatMap(({ file, name, text }) => [
    [file && path.relative(inRoot('.'), file), name].filter(Boolean).join(' › ') || 'Outside of any file',
    ...stripVTControlCharacters(text)
      .split('\n')
      .filter((line) => line.trim())
      .slice(0, MAX_LINES_OF_ERROR)
      .map((line) => `    ${line}`),
  ]);
  const more = failures.length - MAX_FAILURES;
  return more > 0 ? [...lines, `… and ${more} more`] : lines;
}

/**
 * What the report of a test runner says.
 * @typedef {{ passed: number, failed: number, skipped: number, retried: Failure[], failures: Failure[] }} Counted
 */

/**
 * Converts the result of a test runner. A runner that failed, left no report or ran nothing counts as a failure.
 * @param {Counted | undefined} counted
 * @param {Ending} ending
 * @returns {Tally}
 */
function judge(counted, ending) {
  if (!counted) {
    return { passed: 0, failed: 1, note: `the test runner left no report (${describeEnding(ending)})` };
  }
  const { passed, failed, skipped, retried, failures } = counted;
  if (retried.length > 0) complain(yellow(['Passed on retry:', ...failureLines(retried)].join('\n')));
  const notes = [
    skipped > 0 && `${skipped} skipped`,
    retried.length > 0 && `${retried.length} passed on retry`,
  ].filter(Boolean);
  const note = notes.length > 0 ? notes.join(', ') : undefined;
  const details = { failures, retried };
  if (failed > 0) return { passed, failed, note, ...details };
  if (passed === 0) return { passed, failed: 1, note: 'no test ran', ...details };
  if (ending.code !== 0) {
    const reason = `the test runner failed outside of any test (${describeEnding(ending)})`;
    return { passed, failed: 1, note: [note, reason].filter(Boolean).join(', '), ...details };
  }
  return { passed, failed, note, ...details };
}

/**
 * @param {string} file vitest's JSON report
 * @param {Ending} ending
 * @param {string} [errorsFile] written by vitest-errors.mjs
 * @returns {Tally}
 */
export function readVitestReport(file, ending, errorsFile) {
  const report = readReport(file);
  /** @type {Failure[]} */
  const outside = (errorsFile && readReport(errorsFile)) || [];
  if (!report) return { ...judge(undefined, ending), failures: outside };
  // A file that cannot be loaded has no failed test, so the file is counted.
  const unloaded = report.testResults.filter(
    (/** @type {any} */ result) =>
      result.status === 'failed' &&
      !result.assertionResults.some((/** @type {any} */ test) => test.status === 'failed'),
  ).length;
  /** @param {(test: any) => boolean} isWanted @returns {Failure[]} */
  const tests = (isWanted) =>
    report.testResults.flatMap((/** @type {any} */ { name, assertionResults }) =>
      assertionResults.filter(isWanted).map((/** @type {any} */ { fullName, failureMessages }) => ({
        file: name,
        name: fullName.trim(),
        text: failureMessages?.[0] ?? '',
      })),
    );
  const tally = judge(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + unloaded,
      skipped: report.numPendingTests + report.numTodoTests,
      retried: tests(({ status, failureMessages }) => status === 'passed' && failureMessages?.length > 0),
      failures: [...tests(({ status }) => status === 'failed'), ...outside],
    },
    ending,
  );
  return { ...tally, files: timesInVitestReport(report) };
}

/** @param {string} file Playwright's JSON report @param {Ending} ending @returns {Tally} */
export function readPlaywrightReport(file, ending) {
  const report = readReport(file);
  if (!report) return judge(undefined, ending);
  const { expected, unexpected, flaky, skipped } = report.stats;
  const outside = (report.errors ?? []).map((/** @type {any} */ error) => ({
    file: error.location?.file,
    name: 'Error outside of a test',
    text: textOfPlaywright(error),
  }));
  const tally = judge(
    {
      passed: expected + flaky,
      failed: unexpected,
      skipped,
      retried: testsInPlaywrightReport(report.suites, 'flaky'),
      failures: [...testsInPlaywrightReport(report.suites, 'unexpected'), ...outside],
    },
    ending,
  );
  return { ...tally, files: timesInPlaywrightReport(report.suites) };
}

/**
 * @param {any[]} suites of Playwright's report, which nest
 * @param {'flaky' | 'unexpected'} status of the wanted tests
 * @returns {Failure[]}
 */
function testsInPlaywrightReport(suites, status) {
  return suites.flatMap(({ specs, suites: inner = [] }) => [
    ...specs.flatMap((/** @type {any} */ { file, line, title, tests }) =>
      tests
        .filter((/** @type {any} */ test) => test.status === status)
        .map((/** @type {any} */ { results = [] }) => ({
          file: path.posix.join('e2e', line === undefined ? file : `${file}:${line}`),
          name: title,
          text: textOfPlaywright(results.find((/** @type {any} */ { error }) => error)?.error),
        })),
    ),
    ...testsInPlaywrightReport(inner, status),
  ]);
}

/** @param {any} error of Playwright's report @returns {string} */
const textOfPlaywright = (error) => {
  if (!error) return '';
  const { file, line } = error.location ?? {};
  return [error.message ?? error.value, file && `at ${path.relative(inRoot('.'), file)}:${line}`]
    .filter(Boolean)
    .join('\n');
};

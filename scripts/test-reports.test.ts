import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { installedCommand } from './lib/commands.mjs';
import { inRoot } from './lib/paths.mjs';
import { failureLines, readPlaywrightReport, readVitestReport, slowestLines } from './lib/test-reports.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-reports-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function report(content: unknown): string {
  const file = path.join(folder, 'report.json');
  fs.writeFileSync(file, JSON.stringify(content));
  return file;
}

const vitestReport = (passed: number, failed: number, testResults: unknown[] = []) =>
  report({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults,
  });
const playwrightReport = (expected: number, unexpected: number) =>
  report({ stats: { expected, unexpected, flaky: 0, skipped: 0 }, suites: [] });

const good = { code: 0, signal: null };
const bad = { code: 1, signal: null };

describe('readVitestReport and readPlaywrightReport', () => {
  it('count passed and failed tests', () => {
    expect(readVitestReport(vitestReport(7, 2), bad)).toMatchObject({ passed: 7, failed: 2 });
    expect(readPlaywrightReport(playwrightReport(5, 1), bad)).toMatchObject({ passed: 5, failed: 1 });
  });

  it('count a file that cannot be loaded as a failure', () => {
    const unloaded = { status: 'failed', assertionResults: [] };
    const failed = { status: 'failed', assertionResults: [{ status: 'failed', fullName: 'fails' }] };
    expect(readVitestReport(vitestReport(7, 1, [unloaded, failed]), bad)).toMatchObject({
      passed: 7,
      failed: 2,
    });
  });

  it('name the tests that failed and those that passed on retry, with their errors', () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const assertionResults = [
      { status: 'passed', fullName: 'begins', failureMessages: [] },
      { status: 'passed', fullName: 'ends in time', failureMessages: ['Error: too late'] },
      { status: 'failed', fullName: 'ends well', failureMessages: ['Error: not well'] },
    ];
    const unit = readVitestReport(
      vitestReport(2, 1, [{ name: 'lib/a.test.ts', status: 'failed', assertionResults }]),
      bad,
    );
    expect(unit).toMatchObject({ passed: 2, failed: 1, note: '1 passed on retry' });
    expect(unit.retried).toEqual([{ file: 'lib/a.test.ts', name: 'ends in time', text: 'Error: too late' }]);
    expect(unit.failures).toEqual([{ file: 'lib/a.test.ts', name: 'ends well', text: 'Error: not well' }]);
    expect(stderr.mock.calls.join()).toContain('ends in time');
    stderr.mockClear();

    const location = { file: inRoot('e2e/kill.spec.ts'), line: 9, column: 3 };
    const spec = (title: string, status: string, ...errors: string[]) => ({
      title,
      file: 'kill.spec.ts',
      line: 7,
      tests: [{ status, results: errors.map((message) => ({ error: { message, location } })) }],
    });
    const e2e = readPlaywrightReport(
      report({
        stats: { expected: 1, unexpected: 1, flaky: 1, skipped: 0 },
        suites: [
          {
            specs: [spec('hits', 'expected')],
            suites: [
              { specs: [spec('is seen', 'flaky', 'Error: 1'), spec('is heard', 'unexpected', 'Error: 2')] },
            ],
          },
        ],
        errors: [{ message: 'Error: 3' }],
      }),
      bad,
    );
    expect(e2e).toMatchObject({ passed: 2, failed: 1, note: '1 passed on retry' });
    const file = 'e2e/kill.spec.ts:7';
    expect(e2e.retried).toEqual([{ file, name: 'is seen', text: 'Error: 1\nat e2e/kill.spec.ts:9' }]);
    expect(e2e.failures).toEqual([
      { file, name: 'is heard', text: 'Error: 2\nat e2e/kill.spec.ts:9' },
      { file: undefined, name: 'Error outside of a test', text: 'Error: 3' },
    ]);
    expect(stderr.mock.calls.join()).toContain('is seen');
    stderr.mockRestore();
  });

  it.each([
    ['nothing ran', 0, good, 'no test ran'],
    ['the runner itself failed', 7, bad, 'the test runner failed outside of any test (exit code 1)'],
    [
      'the runner was killed',
      7,
      { code: null, signal: 'SIGKILL' as const },
      'the test runner failed outside of any test (ended by SIGKILL)',
    ],
  ])('fail and say why when %s', (_, passed, ending, note) => {
    const failed = { passed, failed: 1, note };
    expect(readVitestReport(vitestReport(passed, 0), ending)).toMatchObject(failed);
    expect(readPlaywrightReport(playwrightReport(passed, 0), ending)).toMatchObject(failed);
  });

  it('fail without a report', () => {
    const failed = { passed: 0, failed: 1, note: 'the test runner left no report (exit code 0)' };
    expect(readVitestReport(path.join(folder, 'absent'), good)).toMatchObject(failed);
    expect(readPlaywrightReport(path.join(folder, 'absent'), good)).toMatchObject(failed);
  });
});

it('the errors outside of tests come with the file they came from', async () => {
  const tests = path.join(folder, 'tests');
  fs.mkdirSync(tests);
  const files = {
    'rejects.test.mjs':
      "test('passes', () => {}); afterAll(async () => { Promise.reject(new Error('nobody caught this')); await new Promise(setImmediate); });",
    'hook.test.mjs':
      "describe('cleans', () => { afterAll(() => { throw new Error('no cleaner') }); test('passes', () => {}); });",
    'dies.test.mjs': "test('dies', () => process.kill(process.pid, 'SIGKILL'));",
    'passes.test.mjs': "test('passes', () => {});",
    // Prints until its worker is stopped.
    'talks.test.mjs':
      "test('passes', () => {}); afterAll(() => { const talk = () => { console.log('still here'); setImmediate(talk); }; talk(); });",
    'vitest.config.mjs': `import ours from ${JSON.stringify(inRoot('vitest.config.ts'))};
      const { projects, ...test } = ours.test;
      export default { test: { ...test, globals: true, pool: 'forks', include: ['*.test.mjs'] } };`,
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(tests, name), text);
  const json = path.join(folder, 'run.json');
  const errors = path.join(folder, 'run-errors.json');
  const args = ['run', '--root', tests, '--config', path.join(tests, 'vitest.config.mjs')];
  const reporters = ['--reporter=json', `--outputFile.json=${json}`];
  const child = spawn(
    installedCommand('vitest'),
    [...args, ...reporters, `--reporter=${inRoot('scripts/lib/vitest-errors.mjs')}`],
    { stdio: 'ignore', env: { ...process.env, VITEST: undefined, TEST_ERRORS_FILE: errors } },
  );
  const [code, signal] = await once(child, 'exit');
  const { failures = [] } = readVitestReport(json, { code, signal }, errors);
  const summary = failures.map(({ file, name, text }) => [
    path.basename(file ?? ''),
    name,
    text.split('\n').find((line) => /caught|cleaner|finish|Worker exited/.test(line)),
  ]);
  expect(summary.toSorted()).toEqual([
    ['', 'Unhandled Error', expect.stringContaining('Worker exited unexpectedly')],
    ['dies.test.mjs', '', 'It did not finish.'],
    ['hook.test.mjs', 'cleans', 'Error: no cleaner'],
    ['rejects.test.mjs', expect.stringContaining('Unhandled Rejection'), 'Error: nobody caught this'],
  ]);
});

describe('failureLines', () => {
  it('shows the first lines of each error without colours, and how many failures are left out', () => {
    const text = Array.from({ length: 30 }, (_, index) => `\u001b[31mline ${index}\u001b[39m\n`).join('\n');
    const failures = Array.from({ length: 23 }, (_, index) => ({ name: `test ${index}`, text }));
    const lines = failureLines(failures);
    expect(lines.slice(0, 3)).toEqual(['test 0', '    line 0', '    line 1']);
    expect(lines.filter((line) => line.startsWith('test'))).toHaveLength(20);
    expect(lines.at(-1)).toBe('… and 3 more');
    expect(lines).toHaveLength(20 * 11 + 1);
  });
});

describe('slowestLines', () => {
  it('lists the files of both reports, slowest first', () => {
    const testResults = [
      { name: path.resolve('lib/a.test.ts'), startTime: 1_000, endTime: 3_000, assertionResults: [] },
      { name: path.resolve('lib/b.test.ts'), startTime: 1_000, endTime: 6_000, assertionResults: [] },
    ];
    const suites = [
      {
        file: 'kill.spec.ts',
        specs: [{ title: 'x', tests: [{ results: [{ duration: 1_000 }, { duration: 2_000 }] }] }],
        suites: [{ specs: [{ title: 'y', tests: [{ results: [{ duration: 500 }] }] }] }],
      },
    ];
    const unit = readVitestReport(vitestReport(2, 0, testResults), good);
    const e2e = readPlaywrightReport(
      report({ stats: { expected: 2, unexpected: 0, flaky: 0, skipped: 0 }, suites }),
      good,
    );
    const lines = slowestLines([...(unit.files ?? []), ...(e2e.files ?? [])]);
    expect(lines.map((line) => line.trim().split(/\s+/).at(-1))).toEqual([
      'lib/b.test.ts',
      'e2e/kill.spec.ts',
      'lib/a.test.ts',
    ]);
  });
});

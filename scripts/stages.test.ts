import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  type Round,
  readAudit,
  readPlaywrightReport,
  readVitestReport,
  runStages,
  slowestLines,
  summaryLine,
} from './lib/stages.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-stages-'));
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

describe('summaryLine', () => {
  it('adds up', () => {
    expect(
      summaryLine([
        { passed: 3, failed: 0 },
        { passed: 40, failed: 2 },
      ]),
    ).toBe('43 passed, 2 failed');
    expect(summaryLine([])).toBe('0 passed, 0 failed');
  });
});

describe('readVitestReport and readPlaywrightReport', () => {
  it('count passed and failed tests', () => {
    expect(readVitestReport(vitestReport(7, 2), false)).toMatchObject({ passed: 7, failed: 2 });
    expect(readPlaywrightReport(playwrightReport(5, 1), false)).toMatchObject({ passed: 5, failed: 1 });
  });

  it('count a file that cannot be loaded as a failure', () => {
    const unloaded = { status: 'failed', assertionResults: [] };
    const failed = { status: 'failed', assertionResults: [{ status: 'failed' }] };
    expect(readVitestReport(vitestReport(7, 1, [unloaded, failed]), false)).toMatchObject({
      passed: 7,
      failed: 2,
    });
  });

  it('name the tests that passed on retry', () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const again = { status: 'passed', fullName: 'ends in time', failureMessages: ['too late'] };
    const passed = { status: 'passed', fullName: 'begins', failureMessages: [] };
    const unit = report({
      numPassedTests: 2,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      testResults: [{ status: 'passed', assertionResults: [passed, again] }],
    });
    expect(readVitestReport(unit, true)).toMatchObject({
      passed: 2,
      failed: 0,
      note: '1 passed on retry',
    });
    const specs = (title: string, status: string) => [{ title, file: 'kill.spec.ts', tests: [{ status }] }];
    const e2e = report({
      stats: { expected: 1, unexpected: 0, flaky: 1, skipped: 0 },
      suites: [
        { specs: specs('hits', 'expected'), suites: [{ specs: specs('hits what was shown', 'flaky') }] },
      ],
    });
    expect(readPlaywrightReport(e2e, true)).toMatchObject({
      passed: 2,
      failed: 0,
      note: '1 passed on retry',
    });
    const lines = stderr.mock.calls.join();
    expect(lines).toContain('Passed on retry: ends in time');
    expect(lines).toContain('Passed on retry: kill.spec.ts: hits what was shown');
    expect(lines).not.toContain('begins');
    stderr.mockRestore();
  });

  it.each([
    ['nothing ran', 0, true],
    ['the runner itself failed', 7, false],
  ])('fail when %s', (_, passed, ok) => {
    expect(readVitestReport(vitestReport(passed, 0), ok)).toMatchObject({ passed, failed: 1 });
    expect(readPlaywrightReport(playwrightReport(passed, 0), ok)).toMatchObject({ passed, failed: 1 });
  });

  it('fail without a report', () => {
    expect(readVitestReport(path.join(folder, 'absent'), true)).toMatchObject({ passed: 0, failed: 1 });
    expect(readPlaywrightReport(path.join(folder, 'absent'), true)).toMatchObject({ passed: 0, failed: 1 });
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
    const unit = readVitestReport(vitestReport(2, 0, testResults), true);
    const e2e = readPlaywrightReport(
      report({ stats: { expected: 2, unexpected: 0, flaky: 0, skipped: 0 }, suites }),
      true,
    );
    const lines = slowestLines([...(unit.files ?? []), ...(e2e.files ?? [])]);
    expect(lines.map((line) => line.trim().split(/\s+/).at(-1))).toEqual([
      'lib/b.test.ts',
      'e2e/kill.spec.ts',
      'lib/a.test.ts',
    ]);
  });
});

describe('readAudit', () => {
  const answer = (high: number, vulnerabilities = {}) =>
    JSON.stringify({
      vulnerabilities,
      metadata: { vulnerabilities: { low: 1, moderate: 2, high, critical: 0 } },
    });

  it('fails with a high advisory and names it', () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(readAudit(answer(0))).toEqual({ passed: 1, failed: 0 });
    const high = { bad: { name: 'bad', severity: 'high', via: [{ title: 'Reads your mail' }] } };
    expect(readAudit(answer(1, high))).toEqual({ passed: 0, failed: 1 });
    expect(stderr.mock.calls.join()).toContain('bad (high): Reads your mail');
    stderr.mockRestore();
  });

  it.each(['', '{"error":{"code":"ENOTFOUND"}}', '<html>'])(
    'counts nothing when the registry answers %j',
    (output) => {
      expect(readAudit(output)).toMatchObject({
        passed: 0,
        failed: 0,
        note: expect.stringContaining('not checked'),
      });
    },
  );
});

describe('runStages', () => {
  /** Runs the stages and returns whether all passed, with the last line on stdout. */
  async function run(...rounds: Round[]) {
    const lines: string[] = [];
    const out = vi
      .spyOn(process.stdout, 'write')
      .mockImplementation((text) => lines.push(...String(text).split('\n')) > 0);
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const ok = await runStages(rounds);
    out.mockRestore();
    err.mockRestore();
    return { ok, last: lines.filter(Boolean).at(-1) };
  }
  const passing = { name: 'good', run: async () => ({ passed: 2, failed: 0 }) };

  it('ends with the sum and succeeds if all passed', async () => {
    expect(await run([[passing, passing]])).toEqual({ ok: true, last: '4 passed, 0 failed' });
  });

  it('continues after a stage that failed or threw', async () => {
    const throwing = { name: 'bad', run: () => Promise.reject(new Error('no')) };
    const failing = { name: 'worse', run: async () => ({ passed: 1, failed: 1 }) };
    expect(await run([[throwing, failing], [passing]], [[passing]])).toEqual({
      ok: false,
      last: '5 passed, 2 failed',
    });
  });

  it('runs the lanes of a round at the same time, and the next round after them', async () => {
    const log: string[] = [];
    const meeting = new EventEmitter();
    const met = once(meeting, 'met');
    const stage = (name: string, work: () => Promise<void> | void) => ({
      name,
      run: async (label?: string) => {
        log.push(`${name} as ${label}`);
        await work();
        return { passed: 1, failed: 0 };
      },
    });
    const last = stage('last', () => {});
    // The first lane waits for the second stage of the other one.
    const waiting = stage('waiting', async () => void (await met));
    const meets = stage('meets', () => void meeting.emit('met'));
    expect(await run([[waiting], [passing, meets]], [[last]])).toMatchObject({ ok: true });
    expect(log).toEqual(['waiting as waiting', 'meets as meets', 'last as undefined']);
  });

  it('fails if nothing ran', async () => {
    expect(await run([[{ name: 'idle', run: async () => ({ passed: 0, failed: 0 }) }]])).toEqual({
      ok: false,
      last: '0 passed, 0 failed',
    });
  });
});

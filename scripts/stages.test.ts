import { EventEmitter, once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { type Round, readAudit, runStages, summaryLine } from './lib/stages.mjs';

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
    return { ok, lines, last: lines.filter(Boolean).at(-1) };
  }
  const passing = { name: 'good', run: async () => ({ passed: 2, failed: 0 }) };

  it('ends with the sum and succeeds if all passed', async () => {
    expect(await run([[passing, passing]])).toMatchObject({ ok: true, last: '4 passed, 0 failed' });
  });

  it('continues after a stage that failed or threw', async () => {
    const throwing = { name: 'bad', run: () => Promise.reject(new Error('no')) };
    const failing = { name: 'worse', run: async () => ({ passed: 1, failed: 1 }) };
    expect(await run([[throwing, failing], [passing]], [[passing]])).toMatchObject({
      ok: false,
      last: '5 passed, 2 failed',
    });
  });

  it('names after the results of all stages what failed and what passed on retry', async () => {
    const failure = { file: 'lib/a.test.ts', name: 'ends', text: 'Error: too late\n    at lib/a.test.ts:3' };
    const failing = { name: 'bad', run: async () => ({ passed: 1, failed: 1, failures: [failure] }) };
    const retrying = {
      name: 'fair',
      run: async () => ({ passed: 1, failed: 0, retried: [{ ...failure, name: 'begins' }] }),
    };
    const throwing = { name: 'worse', run: () => Promise.reject(new Error('no browser')) };
    const { lines } = await run([[failing, retrying, throwing, passing]]);
    const end = lines.slice(lines.findIndex((line) => line.startsWith('result')));
    expect(end.join('\n')).toContain(
      'Passed on retry:\nlib/a.test.ts › begins\n    Error: too late\n        at lib/a.test.ts:3\n',
    );
    expect(end.join('\n')).toContain(
      'Failed:\nlib/a.test.ts › ends\n    Error: too late\n        at lib/a.test.ts:3\nworse\n    Error: no browser\n',
    );
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
    expect(await run([[{ name: 'idle', run: async () => ({ passed: 0, failed: 0 }) }]])).toMatchObject({
      ok: false,
      last: '0 passed, 0 failed',
    });
  });
});

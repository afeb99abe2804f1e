import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { apiKeyFor } from './dialect';
import { exactEnv } from './jail/environment';
import { canRun, type ProcessEngine, startProcessEngine } from './jail/test-process-engine';
import { makeTempDir } from './test-engine';

/** Runs E2B's published command line against the engine. */

const require = createRequire(import.meta.url);
const CLI = join(dirname(require.resolve('@e2b/cli/package.json')), 'dist/index.js');

describe.runIf(canRun)("E2B's command line", () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine();
  });

  /** Runs `e2b sandbox …` with `input` piped in. */
  function run(args: string[], input = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const home = makeTempDir();
    const child = spawn(process.execPath, [CLI, 'sandbox', ...args], {
      env: exactEnv({
        PATH: process.env.PATH ?? '',
        HOME: home,
        NO_UPDATE_NOTIFIER: '1',
        NO_COLOR: '1',
        E2B_API_URL: engine.url,
        E2B_SANDBOX_URL: engine.url,
        E2B_API_KEY: apiKeyFor('e2b', engine.apiKey),
      }),
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      output.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output.stderr += chunk;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
  }

  test('lists, runs a command with piped input, shows logs and kills all', async () => {
    const sandboxes = await Promise.all([
      engine.create({ metadata: { team: 'data' } }),
      engine.create({ metadata: { team: 'web' } }),
    ]);
    const id = sandboxes[0].sandboxId;

    const [listed, executed] = await Promise.all([
      run(['list', '--format', 'json', '--metadata', 'team=web', '--template', 'base']),
      run(['exec', id, '--', 'tr', 'a-z', 'A-Z'], 'some lines\nof text'),
    ]);
    const ids = (JSON.parse(listed.stdout) as { sandboxId: string }[]).map(({ sandboxId }) => sandboxId);
    expect(ids).toEqual([sandboxes[1].sandboxId]);
    expect(executed).toEqual({ code: 0, stdout: 'SOME LINES\nOF TEXT', stderr: '' });

    const [logs, failed] = await Promise.all([
      run(['logs', id, '--format', 'json', '--level', 'INFO']),
      run(['exec', id, 'exit 7']),
    ]);
    expect(failed.code).toBe(7);
    expect([logs.code, logs.stderr]).toEqual([0, '']);
    const lines = logs.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string });
    expect(lines.some(({ message }) => message.includes('OF TEXT'))).toBe(true);

    const killed = await run(['kill', '--all']);
    expect(killed.stdout).toContain('Killed 2 running sandboxes');
    expect((await engine.api('GET', '/v2/sandboxes')).json).toEqual([]);
  });
});

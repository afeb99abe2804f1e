import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { removeTree } from '../../lib/test-support/remove-tree';
import { isBuilt, isInstalled } from '../../scripts/lib/bootstrap.mjs';
import { bundle } from '../../scripts/lib/build.mjs';
import { serverAction } from '../support/actions';
import { callAction, resultIn } from '../support/http';
import { routesOf } from '../support/local';
import { freePort, ROOT } from '../support/processes';

/** The command of `npm start`, with the local engine. */
describe('npm start', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandkeeper-start-'));
  let port = 0;
  let enginePort = 0;
  let cookie = '';
  let output = '';
  let stop = async () => {};

  const readData = (name: string) => readFileSync(join(dataDir, 'engine', name), 'utf8').trim();
  const enginePid = () => Number(readData('engine.lock').split(' ')[0]);
  const askEngine = (path: string) =>
    fetch(`http://127.0.0.1:${enginePort}${path}`, { headers: { 'x-api-key': readData('api-key') } });
  const askServer = async () => {
    const path = `${routesOf('iaaaaaaaaaaaaaaaaaaaa')}/processes`;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
    return ((await response.json()) as { error: { message: string } }).error.message;
  };

  beforeAll(async () => {
    // Otherwise the command would install or build, which is not the subject here.
    if (!isInstalled() || !isBuilt()) throw new Error('Run "npm run build" before this test.');
    port = await freePort();
    enginePort = await freePort();
    const env = {
      ...process.env,
      PORT: String(port),
      SANDKEEPER_DATA_DIR: dataDir,
      SANDKEEPER_ENGINE_PORT: String(enginePort),
      SANDKEEPER_SIGN_IN_TOKEN: 'test-token-test-token',
      DATABASE_URL: `file:${join(dataDir, 'sandkeeper.db')}`,
      npm_lifecycle_event: undefined,
    };
    const command = spawn(process.execPath, ['scripts/start.mjs'], { cwd: ROOT, env, stdio: 'pipe' });
    stop = async () => {
      const ended = once(command, 'exit');
      command.kill('SIGTERM');
      await ended;
    };
    for (const stream of [command.stdout, command.stderr]) stream.on('data', (text) => (output += text));
    await vi.waitFor(() => expect(output).toContain('Sandkeeper is running.'), 60_000);
    await bundle('e2e/support/open-sessions.ts', 'build/e2e/open-sessions.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, ['build/e2e/open-sessions.mjs'], {
      cwd: ROOT,
      env,
    });
    cookie = `sandkeeper_session_${port}=${JSON.parse(stdout).admin}`;
  }, 90_000);
  afterAll(async () => {
    await stop();
    await removeTree(dataDir);
  });

  it('keeps the settings of the dashboard from the engine', () => {
    const variables = readFileSync(`/proc/${enginePid()}/environ`, 'utf8').split('\0');
    expect(variables.some((variable) => variable.startsWith('PATH='))).toBe(true);
    expect(variables.join('\n')).not.toMatch(/test-token-test-token|DATABASE_URL|MORU_|SIGN_IN/);
  });

  it('warns about a token that is easy to guess, without quoting it', () => {
    expect(output).toContain('SANDKEEPER_SIGN_IN_TOKEN is easy to guess');
    expect(output).not.toContain('test-token-test-token');
  });

  it('prints a link at its start, and another with the command, which each sign in one browser', async () => {
    const [printed = ''] = /http:\S+\/sign-in#code=\S+/.exec(output) ?? [];
    const env = { ...process.env, SANDKEEPER_DATA_DIR: dataDir };
    const command = await promisify(execFile)('npm', ['run', '--silent', 'sign-in-link'], { cwd: ROOT, env });
    const another = command.stdout.trim();
    expect(command.stderr).toContain('within 15 minutes');
    const server = { url: `http://localhost:${port}` };
    for (const link of [printed, another]) {
      expect(link).toMatch(new RegExp(`^${server.url}/sign-in#code=[\\w-]{32}$`));
      const form = new FormData();
      form.set('token', link.split('#code=')[1] ?? '');
      const exchange = () => callAction(server, serverAction('signIn'), { path: '/sign-in', args: form });
      expect(String((await exchange()).headers['set-cookie'])).toContain(`sandkeeper_session_${port}=`);
      const again = await exchange();
      expect(again.headers['set-cookie']).toBeUndefined();
      expect(resultIn(again)?.error).toMatchObject({ message: expect.stringMatching(/used already/) });
    }
  });

  it('offers no injected failures', async () => {
    expect((await askEngine('/engine/status')).status).toBe(200);
    expect((await askEngine('/engine/faults')).status).toBe(404);
  });

  it('restarts an engine that ends, on the same port, and says so meanwhile', async () => {
    const firstPid = enginePid();
    process.kill(firstPid, 'SIGKILL');
    await vi.waitFor(
      async () => expect(await askServer()).toBe('The local engine stopped and is being restarted.'),
      { timeout: 60_000, interval: 5 },
    );
    await vi.waitFor(async () => expect(await askServer()).toContain('There is no such sandbox.'), 30_000);
    expect(enginePid()).not.toBe(firstPid);
    expect((await askEngine('/engine/status')).status).toBe(200);
  });
});

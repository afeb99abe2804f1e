import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startService, superviseService } from './lib/children.mjs';
import { engineEnvironment } from './lib/engine-environment.mjs';

const childrenModule = new URL('./lib/children.mjs', import.meta.url).href;
let folder: string;
const launchers: ChildProcess[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-children-'));
});
afterEach(() => {
  for (const launcher of launchers.splice(0)) launcher.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
});

const options = () => ({ env: process.env, cwd: folder, readyTimeoutMs: 30_000 });

/** Writes the program of a service. `body` may use `log(word)`; `readLog` returns the words. */
function writeProgram(name: string, body: string): string {
  const file = path.join(folder, `${name}.mjs`);
  const log = `const log = (word) => fs.appendFileSync(${JSON.stringify(path.join(folder, 'log'))}, word + ' ');`;
  fs.writeFileSync(file, `import fs from 'node:fs';\n${log}\n${body}\n`);
  return file;
}

const readLog = () => fs.readFileSync(path.join(folder, 'log'), 'utf8').trim().split(' ').filter(Boolean);

/** A service that logs its pid when it is ready, and its name when it receives a signal. */
const wellBehaved = (name: string) =>
  writeProgram(
    name,
    `process.on('SIGTERM', () => { log('${name}-asked'); setTimeout(() => { log('${name}-gone'); process.exit(0); }, 100); });
     process.on('SIGINT', () => log('${name}-interrupted'));
     process.on('disconnect', () => process.exit(0));
     setInterval(() => {}, 1000);
     log('pid:' + process.pid);
     process.send({ type: 'ready' });`,
  );

/** A command that starts the services in order and then logs `up`. */
function writeCommand(services: string[], { stopWithinMs = 5_000 } = {}): string {
  return writeProgram(
    'command',
    `import { handleStopSignals, startService } from ${JSON.stringify(childrenModule)};
     handleStopSignals({ exitCode: 0, stopWithinMs: ${stopWithinMs} });
     for (const service of ${JSON.stringify(services)}) {
       await startService('service', [service], { env: process.env, cwd: '/', readyTimeoutMs: 30000 }).ready;
     }
     log('up');`,
  );
}

async function launch(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<ChildProcess> {
  const launcher = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  launchers.push(launcher);
  await vi.waitFor(() => expect(readLog()).toContain('up'), 30_000);
  return launcher;
}

const exitCode = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));
const servicePids = () =>
  readLog()
    .filter((word) => word.startsWith('pid:'))
    .map((word) => Number(word.slice(4)));
const runs = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const waitUntilGone = (pids: number[]) => vi.waitFor(() => expect(pids.filter(runs)).toEqual([]), 30_000);

describe('startService', () => {
  it('returns the ready message of the service', async () => {
    const program = writeProgram('service', `process.send({ type: 'ready', port: 7 });`);
    expect(await startService('engine', [program], options()).ready).toEqual({ type: 'ready', port: 7 });
  });

  it('quotes the last output of a service that exits', async () => {
    const program = writeProgram('service', `console.error('out of sand'); process.exitCode = 3;`);
    const sentence = await startService('engine', [program], options()).death;
    expect(sentence).toContain('The engine stopped unexpectedly (exit code 3).');
    expect(sentence).toContain('out of sand');
  });

  it('prefers the reason that the service reports', async () => {
    const program = writeProgram(
      'service',
      `console.error('noise'); process.send({ type: 'failed', message: 'no room' }, () => process.exit(1));`,
    );
    expect(await startService('server', [program], options()).death).toBe(
      'The server could not start: no room',
    );
  });

  it('rejects when the service is not ready in time', async () => {
    const program = writeProgram(
      'service',
      `process.on('disconnect', () => {}); setTimeout(() => {}, 1500);`,
    );
    const { ready } = startService('engine', [program], { ...options(), readyTimeoutMs: 500 });
    await expect(ready).rejects.toThrow('The engine was not ready after 0.5 seconds.');
  });
});

describe('superviseService', () => {
  it('starts a service again with its earlier address, after waits that grow', async () => {
    // The first start takes a port, the next two fail, the fourth stays.
    const program = writeProgram(
      'service',
      `const starts = fs.existsSync('starts') ? Number(fs.readFileSync('starts', 'utf8')) : 0;
       fs.writeFileSync('starts', String(starts + 1));
       log(process.argv[2]);
       process.on('disconnect', () => process.exit(0));
       if (starts === 1 || starts === 2) process.exit(9);
       process.send({ type: 'ready', port: starts === 0 ? 'taken' : process.argv[2] });
       if (starts === 0) setTimeout(() => process.exit(7), 50);
       setInterval(() => {}, 1000);`,
    );
    const waits: number[] = [];
    const sentences: string[] = [];
    const isUp = new Promise<void>((resolve) => {
      void superviseService('engine', (previous) => [program, String(previous?.port ?? 'any')], {
        ...options(),
        firstWaitMs: 20,
        maxWaitMs: 60,
        onDown: (sentence, waitMs) => {
          waits.push(waitMs);
          sentences.push(sentence);
        },
        onUp: resolve,
      });
    });
    await isUp;
    expect(readLog()).toEqual(['any', 'taken', 'taken', 'taken']);
    expect(waits).toEqual([20, 40, 60]);
    expect(sentences[0]).toContain('The engine stopped unexpectedly (exit code 7).');
    expect(sentences[1]).toContain('exit code 9');
  });

  it('throws when the first start fails, and does not repeat it', async () => {
    const program = writeProgram('service', `log('started'); process.exitCode = 3;`);
    await expect(superviseService('engine', () => [program], options())).rejects.toThrow(
      'The engine stopped unexpectedly (exit code 3).',
    );
    expect(readLog()).toEqual(['started']);
  });
});

describe('engineEnvironment', () => {
  it('keeps secrets and settings of others from the engine', () => {
    const own = {
      PATH: '/bin',
      HOME: '/home/me',
      LC_ALL: 'C.UTF-8',
      SANDKEEPER_ENGINE_KEY: 'moru_0123456789abcdef',
      SANDKEEPER_DATA_DIR: '/data',
    };
    const others = {
      SANDKEEPER_SIGN_IN_TOKEN: 'secret',
      SANDKEEPER_URL: 'https://example.com',
      DATABASE_URL: 'postgres://secret',
      MORU_API_KEY: 'moru_secret',
      E2B_API_KEY: 'e2b_secret',
      AWS_SECRET_ACCESS_KEY: 'secret',
      npm_config__authToken: 'secret',
    };
    expect(engineEnvironment({ ...own, ...others } as unknown as NodeJS.ProcessEnv)).toEqual(own);
  });
});

describe('handleStopSignals', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'stops the services in reverse order on %s, then exits with 0',
    async (signal) => {
      const launcher = await launch(process.execPath, [writeCommand([wellBehaved('a'), wellBehaved('b')])]);
      launcher.kill(signal);
      expect(await exitCode(launcher)).toBe(0);
      expect(readLog().filter((word) => /^[ab]-/.test(word))).toEqual([
        'b-asked',
        'b-gone',
        'a-asked',
        'a-gone',
      ]);
    },
  );

  it('kills a service that ignores SIGTERM, and its child processes', async () => {
    const stubborn = writeProgram(
      'stubborn',
      `import { spawn } from 'node:child_process';
       process.on('SIGTERM', () => log('refused'));
       log('pid:' + process.pid);
       log('pid:' + spawn('sleep', ['60']).pid);
       setInterval(() => {}, 1000);
       process.send({ type: 'ready' });`,
    );
    const launcher = await launch(process.execPath, [writeCommand([stubborn], { stopWithinMs: 500 })]);
    launcher.kill('SIGTERM');
    expect(await exitCode(launcher)).toBe(0);
    expect(readLog()).toContain('refused');
    expect(servicePids()).toHaveLength(2);
    await waitUntilGone(servicePids());
  });

  it('stops when npm has ended', async () => {
    // npm runs the command in a shell, which does not pass signals on.
    const shell = await launch(
      'sh',
      ['-c', `'${process.execPath}' '${writeCommand([wellBehaved('a')])}'; true`],
      {
        npm_lifecycle_event: 'start',
      },
    );
    shell.kill('SIGTERM');
    await vi.waitFor(() => expect(readLog()).toContain('a-gone'), 30_000);
    await waitUntilGone(servicePids());
  });

  it('leaves no services behind after SIGKILL', async () => {
    const launcher = await launch(process.execPath, [writeCommand([wellBehaved('a')])]);
    launcher.kill('SIGKILL');
    await waitUntilGone(servicePids());
  });
});

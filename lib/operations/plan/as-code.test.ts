import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { canRun, startProcessEngine } from '../../engine/jail/test-process-engine';
import { startTestEngine, type TestEngine } from '../../engine/test-engine';
import { SANDBOX_ACTS } from '../../sandbox/can';
import type { ActParams } from '../schema';
import { asCode, asCodePerConnection, CODE_LANGUAGES, type CodeLanguage } from './as-code';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PARAMS = {
  kill: {},
  pause: {},
  resume: { timeoutMs: 900_000, autoPause: true },
  setTimeout: { timeoutMs: 1_800_000 },
  run: { command: 'echo "it\'s"; exit 3', limitMs: 60_000 },
} satisfies Record<(typeof SANDBOX_ACTS)[number], ActParams>;

type Ended = { code: number; out: string; err: string };

/** Runs `text` with `program`, with the address and the key in the environment. */
function run(
  program: string,
  args: string[],
  text: string,
  engine?: Pick<TestEngine, 'url' | 'apiKey'>,
): Promise<Ended> {
  const env = {
    ...process.env,
    ...(engine
      ? { MORU_API_URL: engine.url, MORU_SANDBOX_URL: engine.url, MORU_API_KEY: engine.apiKey }
      : {}),
  };
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: ROOT, env }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
    child.stdin?.end(text);
  });
}

function textOf(...args: Parameters<typeof asCode>): string {
  const code = asCode(...args);
  if (!code.ok) throw new Error(code.reason);
  return code.text;
}

describe('code for several connections', () => {
  const groups = [
    { ids: ['a', 'b'], account: { name: 'prod', host: 'api.moru.io' } },
    { ids: ['c'], account: { name: 'staging', host: 'api.example.com' } },
  ];

  it('is a part for each, with the account whose key it needs', () => {
    expect(asCodePerConnection('kill', {}, groups, 'cli')).toEqual({
      ok: true,
      text: [
        '# Part 1 of 2: sandboxes of prod. Needs a key for api.moru.io.',
        'moru sandbox kill a b',
        '',
        '# Part 2 of 2: sandboxes of staging. Needs a key for api.example.com.',
        'moru sandbox kill c',
        '',
      ].join('\n'),
    });
    for (const language of ['python', 'typescript'] as const) {
      const comment = language === 'python' ? '#' : '//';
      expect(asCodePerConnection('kill', {}, groups, language)).toEqual({
        ok: true,
        text: [
          `${comment} Part 1 of 2: sandboxes of prod. Needs a key for api.moru.io. Save it as a file of its own.`,
          textOf('kill', {}, ['a', 'b'], language),
          `${comment} Part 2 of 2: sandboxes of staging. Needs a key for api.example.com. Save it as a file of its own.`,
          textOf('kill', {}, ['c'], language),
        ].join('\n'),
      });
    }
  });

  it('has no comment where one connection is in use', () => {
    const code = asCodePerConnection('kill', {}, [{ ids: ['a'], account: null }], 'python');
    expect(code).toEqual({ ok: true, text: textOf('kill', {}, ['a'], 'python') });
  });
});

describe('TypeScript', () => {
  const runOn = (engine: TestEngine, text: string) => run('node', ['--input-type=module', '-'], text, engine);

  it('kills exactly these ids and prints each result', async () => {
    const engine = await startTestEngine();
    const [first, second, other] = [await engine.create(), await engine.create(), await engine.create()];
    await engine.call('DELETE', `/sandboxes/${second}`);
    const ended = await runOn(engine, textOf('kill', {}, [first, second], 'typescript'));
    expect(ended).toEqual({ code: 0, out: `${first} killed\n${second} already gone\n`, err: '' });
    expect((await engine.detail(first)).status).toBe(404);
    expect((await engine.detail(other)).state).toBe('running');
  });

  it('continues after a failure and exits with status 1', async () => {
    const engine = await startTestEngine();
    const [gone, id] = [await engine.create(), await engine.create()];
    await engine.call('DELETE', `/sandboxes/${gone}`);
    const ended = await runOn(engine, textOf('pause', {}, [gone, id], 'typescript'));
    expect(ended).toMatchObject({ code: 1, out: `${id} paused\n` });
    expect(ended.err).toContain(`${gone} NotFoundError`);
    expect((await engine.detail(id)).state).toBe('paused');
  });

  it('resumes with a timeout and its effect', async () => {
    const engine = await startTestEngine();
    const id = await engine.create();
    const text = textOf('resume', { timeoutMs: 1_500, autoPause: true }, [id], 'typescript');
    expect(await runOn(engine, text)).toMatchObject({ code: 1 });
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect(await runOn(engine, text)).toEqual({ code: 0, out: `${id} resumed\n`, err: '' });
    await expect.poll(async () => (await engine.detail(id)).state).toBe('paused');
  });

  it('sets the deadline', async () => {
    const engine = await startTestEngine();
    const id = await engine.create();
    await runOn(engine, textOf('setTimeout', { timeoutMs: 1_800_000 }, [id], 'typescript'));
    const leftMs = Date.parse((await engine.detail(id)).endAt) - Date.now();
    expect(leftMs).toBeGreaterThan(1_700_000);
    expect(leftMs).toBeLessThanOrEqual(1_800_000);
    await runOn(engine, textOf('setTimeout', { addMs: 600_000 }, [id], 'typescript'));
    const moreMs = Date.parse((await engine.detail(id)).endAt) - Date.now();
    expect(moreMs).toBeGreaterThan(leftMs + 500_000);
    expect(moreMs).toBeLessThanOrEqual(leftMs + 601_000);
  });
});

describe.skipIf(!canRun)('a graceful kill in TypeScript', () => {
  it('stops processes first, wakes nothing, and kills after the grace period', async () => {
    const processEngine = await startProcessEngine();
    const said: string[] = [];
    const runEndlessly = async (trap: string) => {
      const sandbox = await processEngine.create();
      await sandbox.commands.run(`trap "${trap}" TERM; echo ready; while :; do sleep 0.1; done`, {
        background: true,
        onStdout: (text) => void said.push(text.trim()),
      });
      return sandbox;
    };
    const polite = await runEndlessly('echo saved; exit 0');
    const stubborn = await runEndlessly('');
    const paused = await runEndlessly('echo woken; exit 0');
    await expect.poll(() => said).toEqual(['ready', 'ready', 'ready']);
    await processEngine.api('POST', `/sandboxes/${paused.sandboxId}/pause`);
    const all = [polite, stubborn, paused].map(({ sandboxId }) => sandboxId);
    const text = textOf('kill', { graceMs: 2_000 }, all, 'typescript');

    const startedMs = Date.now();
    const ended = await run('node', ['--input-type=module', '-'], text, processEngine);
    expect(ended).toEqual({ code: 0, out: all.map((id) => `${id} killed\n`).join(''), err: '' });
    // Waited once for the process that ignores SIGTERM.
    expect(Date.now() - startedMs).toBeGreaterThan(2_000);
    expect(Date.now() - startedMs).toBeLessThan(30_000);
    expect(said.slice(3)).toEqual(['saved']);
  });
});

describe.skipIf(!canRun)('a command in TypeScript', () => {
  it('runs a command unchanged in running sandboxes and prints its exit code', async () => {
    const processEngine = await startProcessEngine();
    const [runs, paused] = [
      (await processEngine.create()).sandboxId,
      (await processEngine.create()).sandboxId,
    ];
    await processEngine.api('POST', `/sandboxes/${paused}/pause`);
    const command = `printf '%s\\n' "it's \\"\u202e\\"" '\${x}' "$PWD"\nexit 3`;
    const text = textOf('run', { command, cwd: '/tmp', limitMs: 20_000 }, [runs, paused], 'typescript');
    // The code contains no invisible characters.
    expect(text).not.toContain('\u202e');
    const ended = await run('node', ['--input-type=module', '-'], text, processEngine);
    expect(ended.out).toBe(`${runs} exit 3\nit's "\u202e"\n\${x}\n/tmp\n`);
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining('not run: it is paused') });
    expect((await processEngine.api('GET', `/sandboxes/${paused}`)).json).toMatchObject({ state: 'paused' });
  });
});

describe('Python', () => {
  it.each(SANDBOX_ACTS.flatMap((act) => [[act, PARAMS[act]] as const, [act, graceful(act)] as const]))(
    'compiles: %s %o',
    async (act, params) => {
      const text = textOf(act, params, ['ia7kh0tl11tyw3inzzbyq', 'i66nm4lfkpk7u05cjuspg'], 'python');
      expect(text).toContain('    "ia7kh0tl11tyw3inzzbyq",\n    "i66nm4lfkpk7u05cjuspg",\n');
      const check = 'import sys; compile(sys.stdin.read(), "cleanup.py", "exec")';
      const ended = await run('python3', ['-c', check], text);
      // Python may not be installed.
      if (ended.code !== -1) expect(ended).toEqual({ code: 0, out: '', err: '' });
    },
  );
});

it.each(['python', 'typescript'] as const)('%s says that it does not archive files', (language) => {
  const params = { exportPath: '/work' };
  expect(textOf('kill', params, ['ione'], language)).toContain(' It does not archive files first');
  expect(textOf('kill', {}, ['ione'], language)).not.toContain('archive');
});

describe('the command line', () => {
  it('names every id', () => {
    expect(textOf('kill', {}, ['ione', 'itwo'], 'cli')).toBe('moru sandbox kill ione itwo\n');
  });

  it('splits a long list', async () => {
    const ids = Array.from({ length: 45 }, (_, at) => `isandbox${at}`);
    const text = textOf('kill', {}, ids, 'cli');
    const ended = await run('sh', ['-s'], `moru() { :; }\n${text.replace('moru sandbox kill', 'echo')}`);
    expect(
      ended.out
        .trim()
        .split('\n')
        .map((line) => line.split(' ').length),
    ).toEqual([20, 20, 5]);
    expect(ended.out.trim().split(/\s/)).toEqual(ids);
  });

  it.each([
    ['pause', {}],
    ['resume', PARAMS.resume],
    ['setTimeout', PARAMS.setTimeout],
    ['run', PARAMS.run],
    ['kill', { graceMs: 10_000 }],
    ['kill', { exportPath: '~' }],
  ] as const)('cannot express %s %o', (act, params) => {
    expect(asCode(act, params, ['ione'], 'cli')).toEqual({
      ok: false,
      reason: expect.stringContaining('The Moru CLI'),
    });
  });
});

describe('untrusted input', () => {
  const HOSTILE = ["i'; process.exit(); '", 'i"\nimport os', '$(reboot)', '', 'i-…', 'a'.repeat(65)];

  it.each(CODE_LANGUAGES.flatMap((language) => HOSTILE.map((id) => [language, id] as const)))(
    'is no id in %s: %j',
    (language: CodeLanguage, id) => {
      expect(() => asCode('kill', {}, ['ifine', id], language)).toThrow();
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -5_000, undefined])('rejects the time %s', (timeoutMs) => {
    const params = timeoutMs === undefined ? {} : { timeoutMs };
    for (const language of ['python', 'typescript'] as const) {
      expect(() => asCode('resume', params, ['ifine'], language)).toThrow(RangeError);
      expect(() => asCode('setTimeout', params, ['ifine'], language)).toThrow(RangeError);
      expect(() => asCode('kill', { graceMs: timeoutMs ?? 0.5 }, ['ifine'], language)).toThrow(RangeError);
    }
  });
});

/** Further options of an action. */
function graceful(act: (typeof SANDBOX_ACTS)[number]): ActParams {
  if (act === 'run') return { command: 'cat <<X\n\u202e\\\nX', cwd: '/data/"', limitMs: 1_000 };
  return act === 'kill' ? { graceMs: 2_500, exportPath: '~' } : { timeoutMs: 60_000, autoPause: false };
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ConnectionKind } from '../../connection';
import { apiKeyFor } from '../../engine/dialect';
import { canRun, startProcessEngine } from '../../engine/jail/test-process-engine';
import { startTestEngine, type TestEngine } from '../../engine/test-engine';
import { SANDBOX_ACTS, type SandboxAct } from '../../sandbox/can';
import type { ActParams } from '../schema';
import { asCode, asCodePerConnection, CODE_LANGUAGES, type CodeGroup, type CodeLanguage } from './as-code';

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
  variables: Record<string, string> = {},
): Promise<Ended> {
  const env = { ...process.env, ...variables };
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: ROOT, env }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
    child.stdin?.end(text);
  });
}

type Asked = [act: SandboxAct, params: ActParams, ids: readonly string[], language: CodeLanguage];

function textOf(...[act, params, ids, language, kind = 'moru']: [...Asked, kind?: ConnectionKind]): string {
  const code = asCode(act, params, ids, language, kind);
  if (!code.ok) throw new Error(code.reason);
  return code.text;
}

const moruOf = ({ url, apiKey }: Pick<TestEngine, 'url' | 'apiKey'>) => ({
  MORU_API_URL: url,
  MORU_SANDBOX_URL: url,
  MORU_API_KEY: apiKey,
});

describe('code for several connections', () => {
  const groups: CodeGroup[] = [
    {
      ids: ['a', 'b'],
      connection: { name: 'prod', kind: 'moru', host: 'api.moru.io', variables: {} },
      isNamed: true,
    },
    {
      ids: ['c'],
      connection: {
        name: 'staging',
        kind: 'e2b-compatible',
        host: 'api.example.com',
        variables: { E2B_DOMAIN: 'example.com' },
      },
      isNamed: true,
    },
  ];

  it('is a part for each, with the account whose key it needs', () => {
    expect(asCodePerConnection('kill', {}, groups, 'cli')).toEqual({
      ok: true,
      text: [
        '# Part 1 of 2: sandboxes of prod. Needs MORU_API_KEY, a key for api.moru.io.',
        'moru sandbox kill a b',
        '',
        '# Part 2 of 2: sandboxes of staging. Needs E2B_DOMAIN=example.com and E2B_API_KEY, a key for api.example.com.',
        'e2b sandbox kill c',
        '',
      ].join('\n'),
    });
    for (const language of ['python', 'typescript'] as const) {
      const comment = language === 'python' ? '#' : '//';
      expect(asCodePerConnection('kill', {}, groups, language)).toEqual({
        ok: true,
        text: [
          `${comment} Part 1 of 2: sandboxes of prod. Needs MORU_API_KEY, a key for api.moru.io. Save it as a file of its own.`,
          textOf('kill', {}, ['a', 'b'], language),
          `${comment} Part 2 of 2: sandboxes of staging. Needs E2B_DOMAIN=example.com and E2B_API_KEY, a key for api.example.com. Save it as a file of its own.`,
          textOf('kill', {}, ['c'], language, 'e2b'),
        ].join('\n'),
      });
    }
  });

  it('has no comment where one connection is in use, unless it is at an address of its own', () => {
    const [prod, staging] = groups.map((group) => ({ ...group, isNamed: false }));
    const codeOf = (group = prod) => asCodePerConnection('kill', {}, group ? [group] : [], 'python');
    expect(codeOf()).toEqual({ ok: true, text: textOf('kill', {}, ['a', 'b'], 'python') });
    expect(codeOf(staging)).toEqual({
      ok: true,
      text: `# Needs E2B_DOMAIN=example.com and E2B_API_KEY, a key for api.example.com.\n${textOf('kill', {}, ['c'], 'python', 'e2b')}`,
    });
  });
});

describe('TypeScript', () => {
  const runOn = (engine: TestEngine, text: string) =>
    run('node', ['--input-type=module', '-'], text, moruOf(engine));

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

describe('TypeScript for E2B', () => {
  it('pauses, resumes, sets the deadline and kills with its SDK', async () => {
    const engine = await startTestEngine();
    const id = await engine.create();
    const service = {
      E2B_API_URL: engine.url,
      E2B_SANDBOX_URL: engine.url,
      E2B_API_KEY: apiKeyFor('e2b', engine.apiKey),
    };
    const done = async (act: SandboxAct, params: ActParams, said: string) => {
      const text = textOf(act, params, [id], 'typescript', 'e2b');
      expect(await run('node', ['--input-type=module', '-'], text, service)).toEqual({
        code: 0,
        out: `${id} ${said}\n`,
        err: '',
      });
    };
    await done('pause', {}, 'paused');
    expect((await engine.detail(id)).state).toBe('paused');
    await done('resume', PARAMS.resume, 'resumed');
    await done('setTimeout', { addMs: 600_000 }, 'time left set');
    const { endAt } = await engine.detail(id);
    expect(Date.parse(endAt) - Date.now()).toBeGreaterThan(PARAMS.resume.timeoutMs);
    await done('kill', {}, 'killed');
    expect((await engine.detail(id)).status).toBe(404);
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
    const ended = await run('node', ['--input-type=module', '-'], text, moruOf(processEngine));
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
    const ended = await run('node', ['--input-type=module', '-'], text, moruOf(processEngine));
    expect(ended.out).toBe(`${runs} exit 3\nit's "\u202e"\n\${x}\n/tmp\n`);
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining('not run: it is paused') });
    expect((await processEngine.api('GET', `/sandboxes/${paused}`)).json).toMatchObject({ state: 'paused' });
  });
});

describe('Python', () => {
  it.each(SANDBOX_ACTS.flatMap((act) => [[act, PARAMS[act]] as const, [act, graceful(act)] as const]))(
    'compiles: %s %o',
    async (act, params) => {
      const ids = ['ia7kh0tl11tyw3inzzbyq', 'i66nm4lfkpk7u05cjuspg'];
      const text = textOf(act, params, ids, 'python');
      expect(textOf(act, params, ids, 'python', 'e2b')).toBe(
        text.replace(/\b(from|import) moru\b/g, '$1 e2b').replace('.beta_pause(', '.pause('),
      );
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
    expect(asCode(act, params, ['ione'], 'cli', 'moru')).toEqual({
      ok: false,
      reason: expect.stringContaining('The Moru CLI'),
    });
    // E2B's can pause, one sandbox at a time.
    const isPause = act === 'pause';
    expect(asCode(act, params, ['ione', 'itwo'], 'cli', 'e2b')).toEqual(
      isPause
        ? { ok: true, text: "xargs -n 1 e2b sandbox pause <<'END'\nione\nitwo\nEND\n" }
        : { ok: false, reason: expect.stringContaining('The E2B CLI') },
    );
  });
});

describe('untrusted input', () => {
  const HOSTILE = ["i'; process.exit(); '", 'i"\nimport os', '$(reboot)', '', 'i-…', 'a'.repeat(65)];

  it.each(CODE_LANGUAGES.flatMap((language) => HOSTILE.map((id) => [language, id] as const)))(
    'is no id in %s: %j',
    (language: CodeLanguage, id) => {
      expect(() => asCode('kill', {}, ['ifine', id], language, 'e2b')).toThrow();
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -5_000, undefined])('rejects the time %s', (timeoutMs) => {
    const params = timeoutMs === undefined ? {} : { timeoutMs };
    for (const language of ['python', 'typescript'] as const) {
      expect(() => asCode('resume', params, ['ifine'], language, 'e2b')).toThrow(RangeError);
      expect(() => asCode('setTimeout', params, ['ifine'], language, 'e2b')).toThrow(RangeError);
      expect(() => asCode('kill', { graceMs: timeoutMs ?? 0.5 }, ['ifine'], language, 'e2b')).toThrow(
        RangeError,
      );
    }
  });
});

/** Further options of an action. */
function graceful(act: (typeof SANDBOX_ACTS)[number]): ActParams {
  if (act === 'run') return { command: 'cat <<X\n\u202e\\\nX', cwd: '/data/"', limitMs: 1_000 };
  return act === 'kill' ? { graceMs: 2_500, exportPath: '~' } : { timeoutMs: 60_000, autoPause: false };
}

import { MIN_LIMIT_MS } from '../../commands/schema';
import type { SandboxAct } from '../../sandbox/can';
import { SANDBOX_ID_PATTERN } from '../../sandbox/limits';
import { type ActParams, MAX_GRACE_MS } from '../schema';

/** The languages an act can be written down in. */
export const CODE_LANGUAGES = ['python', 'typescript', 'cli'] as const;
export type CodeLanguage = (typeof CODE_LANGUAGES)[number];

/** What an act on these ids is in code, or why it cannot be said in that language. */
export type Code = { ok: true; text: string } | { ok: false; reason: string };

/** The command line sends all its requests at once, so a long list is handed to it in portions. */
const CLI_PORTION = 20;

/**
 * The same act on the same ids for people to run themselves: with the SDK for Python or TypeScript, or with the `moru`
 * command line. Each id is tried, whatever becomes of the others, and the exit status says whether all succeeded. What
 * is written comes from checked ids and numbers alone, and of a command that was run its text as a literal. Throws where an id or a number is none.
 */
export function asCode(
  act: SandboxAct,
  params: ActParams,
  ids: readonly string[],
  language: CodeLanguage,
): Code {
  if (!ids.every((id) => SANDBOX_ID_PATTERN.test(id)))
    throw new RangeError('That is not the id of a sandbox.');
  return WRITERS[language](act, params, ids);
}

const WRITERS = {
  python: (act, params, ids) => ({ ok: true, text: python(act, params, ids) }),
  typescript: (act, params, ids) => ({ ok: true, text: typescript(act, params, ids) }),
  cli,
} satisfies Record<CodeLanguage, (act: SandboxAct, params: ActParams, ids: readonly string[]) => Code>;

/** `moru sandbox` has `kill`, and nothing that pauses, resumes or moves a deadline. */
const NO_CLI = {
  kill: null,
  pause: 'The Moru CLI cannot pause.',
  resume: 'The Moru CLI cannot resume with a time.',
  setTimeout: 'The Moru CLI cannot set the time left.',
  run: 'The Moru CLI has no command for this that we know of.',
} satisfies Record<SandboxAct, string | null>;

function cli(act: SandboxAct, params: ActParams, ids: readonly string[]): Code {
  const missing =
    params.exportPath !== undefined
      ? 'The Moru CLI cannot save files before a kill.'
      : params.graceMs === undefined
        ? NO_CLI[act]
        : 'The Moru CLI kills at once, without stopping processes.';
  if (missing !== null) return { ok: false, reason: missing };
  if (ids.length <= CLI_PORTION) return { ok: true, text: `moru sandbox kill ${ids.join(' ')}\n` };
  return { ok: true, text: `xargs -n ${CLI_PORTION} moru sandbox kill <<'END'\n${ids.join('\n')}\nEND\n` };
}

type Lines = readonly string[];

function typescript(act: SandboxAct, params: ActParams, ids: readonly string[]): string {
  const { imports, before = [], body }: Written = TYPESCRIPT[act](params);
  return lines([
    `import { ${imports} } from '@moru-ai/core';`,
    '',
    'const ids = [',
    ...ids.map((id) => `  '${id}',`),
    '];',
    '',
    ...notSaving(params, '//'),
    ...before,
    'for (const id of ids) {',
    '  try {',
    ...indent(body, 4),
    '  } catch (error) {',
    '    console.error(id, String(error));',
    '    process.exitCode = 1;',
    '  }',
    '}',
  ]);
}

/** The SDK has no call that saves files and proves it; whoever runs this must not believe that it does. */
function notSaving({ exportPath }: ActParams, comment: string): Lines {
  if (exportPath === undefined) return [];
  return [
    `${comment} This only kills. Saving files first is no part of it: take along what you need before you run it.`,
    '',
  ];
}

type Written = { imports: string; before?: Lines; body: Lines };

const TYPESCRIPT = {
  kill: ({ graceMs }) => ({
    imports: 'Sandbox',
    body: [
      ...(graceMs === undefined ? [] : gracefulTypescript(graceMs)),
      'const wasThere = await Sandbox.kill(id);',
      "console.log(id, wasThere ? 'killed' : 'already gone');",
    ],
  }),
  pause: () => ({
    imports: 'Sandbox',
    body: [
      'const wasRunning = await Sandbox.betaPause(id);',
      "console.log(id, wasRunning ? 'paused' : 'already paused');",
    ],
  }),
  resume: ({ timeoutMs, autoPause }) => ({
    imports: 'ApiClient, ConnectionConfig',
    before: [
      '// Sandbox.connect() cannot say what happens when the time is up, and would lengthen the time of a running one.',
      'const { api } = new ApiClient(new ConnectionConfig());',
      '',
    ],
    body: [
      "const { error } = await api.POST('/sandboxes/{sandboxID}/resume', {",
      '  params: { path: { sandboxID: id } },',
      `  body: { timeout: ${wholeSeconds(timeoutMs)}${autoPause === undefined ? '' : `, autoPause: ${autoPause}`} },`,
      '});',
      'if (error) throw new Error(error.message);',
      "console.log(id, 'resumed');",
    ],
  }),
  setTimeout: ({ timeoutMs }) => ({
    imports: 'Sandbox',
    body: [
      `await Sandbox.setTimeout(id, ${wholeSeconds(timeoutMs) * 1_000});`,
      "console.log(id, 'time left set');",
    ],
  }),
  run: ({ command, cwd, limitMs }) => ({
    imports: 'Sandbox',
    before: [`const command = ${literal(command, 'typescript')};`, ''],
    body: [
      'const { state } = await Sandbox.getInfo(id);',
      "if (state !== 'running') throw new Error('not run: it is ' + state);",
      '// Connecting gives it five minutes if it has less left.',
      'const sandbox = await Sandbox.connect(id);',
      `const options = { timeoutMs: ${checkedLimitMs(limitMs)}${cwd === undefined ? '' : `, cwd: ${literal(cwd, 'typescript')}`} };`,
      '// An exit code other than 0 is thrown, with the same fields.',
      'const ended = await sandbox.commands.run(command, options).catch((error) => {',
      '  if (error.exitCode === undefined) throw error;',
      '  return error;',
      '});',
      "console.log(id, 'exit', ended.exitCode);",
      'process.stdout.write(ended.stdout);',
      'process.stderr.write(ended.stderr);',
    ],
  }),
} satisfies Record<SandboxAct, (params: ActParams) => Written>;

/** A paused sandbox has no processes to stop and must not be woken, and a gone one has none either. */
function gracefulTypescript(graceMs: number): Lines {
  return [
    'const info = await Sandbox.getInfo(id).catch(() => null);',
    "if (info?.state === 'running') {",
    '  const sandbox = await Sandbox.connect(id);',
    '  // SIGTERM to everything but the shell that sends it.',
    "  await sandbox.commands.run('kill -TERM -1 || true');",
    `  const until = Date.now() + ${checkedGraceMs(graceMs)};`,
    '  while (Date.now() < until && (await sandbox.commands.list()).length > 0) {',
    '    await new Promise((resolve) => setTimeout(resolve, 250));',
    '  }',
    '}',
  ];
}

function python(act: SandboxAct, params: ActParams, ids: readonly string[]): string {
  const { imports, before = [], body }: Written = PYTHON[act](params);
  return lines([
    ...imports.split('\n'),
    '',
    'ids = [',
    ...ids.map((id) => `    "${id}",`),
    ']',
    '',
    ...notSaving(params, '#'),
    ...before,
    'failed = False',
    'for sandbox_id in ids:',
    '    try:',
    ...indent(body, 8),
    '    except Exception as error:',
    '        print(sandbox_id, error, file=sys.stderr)',
    '        failed = True',
    'sys.exit(1 if failed else 0)',
  ]);
}

const PYTHON = {
  kill: ({ graceMs }) => ({
    imports: `import sys\n${graceMs === undefined ? '' : 'import time\n'}\nfrom moru import Sandbox`,
    body: [
      ...(graceMs === undefined ? [] : gracefulPython(graceMs)),
      'was_there = Sandbox.kill(sandbox_id)',
      'print(sandbox_id, "killed" if was_there else "already gone")',
    ],
  }),
  pause: () => ({
    imports: 'import sys\n\nfrom moru import Sandbox',
    body: ['Sandbox.beta_pause(sandbox_id)', 'print(sandbox_id, "paused")'],
  }),
  resume: ({ timeoutMs, autoPause }) => ({
    imports: [
      'import sys',
      '',
      'from moru import ApiClient, ConnectionConfig',
      'from moru.api.client.api.sandboxes import post_sandboxes_sandbox_id_resume',
      'from moru.api.client.models import ResumedSandbox',
    ].join('\n'),
    before: [
      '# Sandbox.connect() cannot say what happens when the time is up, and would lengthen the time of a running one.',
      'api = ApiClient(ConnectionConfig())',
      `input = ResumedSandbox(timeout=${wholeSeconds(timeoutMs)}${autoPause === undefined ? '' : `, auto_pause=${pythonBoolean(autoPause)}`})`,
      '',
    ],
    body: [
      'answer = post_sandboxes_sandbox_id_resume.sync_detailed(sandbox_id, client=api, body=input)',
      'if answer.status_code >= 300:',
      '    raise RuntimeError(answer.content.decode())',
      'print(sandbox_id, "resumed")',
    ],
  }),
  setTimeout: ({ timeoutMs }) => ({
    imports: 'import sys\n\nfrom moru import Sandbox',
    body: [
      `Sandbox.set_timeout(sandbox_id, ${wholeSeconds(timeoutMs)})`,
      'print(sandbox_id, "time left set")',
    ],
  }),
  run: ({ command, cwd, limitMs }) => ({
    imports: 'import sys\n\nfrom moru import Sandbox',
    before: [`command = ${literal(command, 'python')}`, ''],
    body: [
      'state = Sandbox.get_info(sandbox_id).state.value',
      'if state != "running":',
      '    raise RuntimeError(f"not run: it is {state}")',
      '# Connecting gives it five minutes if it has less left.',
      'sandbox = Sandbox.connect(sandbox_id)',
      'try:',
      `    ended = sandbox.commands.run(command, timeout=${checkedLimitMs(limitMs) / 1_000}${cwd === undefined ? '' : `, cwd=${literal(cwd, 'python')}`})`,
      'except Exception as error:',
      '    # An exit code other than 0 is raised, with the same fields.',
      '    if not hasattr(error, "exit_code"):',
      '        raise',
      '    ended = error',
      'print(sandbox_id, "exit", ended.exit_code)',
      'sys.stdout.write(ended.stdout)',
      'sys.stderr.write(ended.stderr)',
    ],
  }),
} satisfies Record<SandboxAct, (params: ActParams) => Written>;

function gracefulPython(graceMs: number): Lines {
  return [
    'try:',
    '    is_running = Sandbox.get_info(sandbox_id).state.value == "running"',
    'except Exception:',
    '    is_running = False',
    'if is_running:',
    '    sandbox = Sandbox.connect(sandbox_id)',
    '    # SIGTERM to everything but the shell that sends it.',
    '    sandbox.commands.run("kill -TERM -1 || true")',
    `    until = time.monotonic() + ${checkedGraceMs(graceMs) / 1_000}`,
    '    while time.monotonic() < until and sandbox.commands.list():',
    '        time.sleep(0.25)',
  ];
}

function pythonBoolean(value: boolean): string {
  return value ? 'True' : 'False';
}

/** The service counts in whole seconds; at least what was asked for. */
function wholeSeconds(timeoutMs: number | undefined): number {
  const seconds = Math.ceil((timeoutMs ?? Number.NaN) / 1_000);
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new RangeError('That is not a time.');
  return seconds;
}

function checkedGraceMs(graceMs: number): number {
  if (!Number.isSafeInteger(graceMs) || graceMs < 0 || graceMs > MAX_GRACE_MS)
    throw new RangeError('That is not a time to wait.');
  return graceMs;
}

function checkedLimitMs(limitMs: number | undefined): number {
  if (limitMs === undefined || !Number.isSafeInteger(limitMs) || limitMs < MIN_LIMIT_MS)
    throw new RangeError('That is not a time limit.');
  return limitMs;
}

/** What hides in a text, moves it, or has no meaning alone. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text as a literal of the language, in double quotes; what cannot be seen is written by its number. */
function literal(text: string | undefined, language: 'python' | 'typescript'): string {
  if (text === undefined) throw new RangeError('There is no command.');
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n');
  const written = escaped.replace(UNSEEN, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return language === 'python' ? `\\U${hex.padStart(8, '0')}` : `\\u{${hex}}`;
  });
  return `"${written}"`;
}

function indent(body: Lines, by: number): string[] {
  return body.map((line) => (line === '' ? line : `${' '.repeat(by)}${line}`));
}

function lines(all: Lines): string {
  return `${all.join('\n')}\n`;
}

import { MIN_LIMIT_MS } from '../../commands/schema';
import type { ConnectionKind, ShownConnection } from '../../connection';
import type { SandboxAct } from '../../sandbox/can';
import { hasPrintedVariables, keyVariable, type Sdk, sdkOf } from '../../sandbox/sdk';
import { SANDBOX_ID_PATTERN } from '../../sandbox-key';
import { type ActParams, MAX_GRACE_MS } from '../schema';

export const CODE_LANGUAGES = ['python', 'typescript', 'cli'] as const;
export type CodeLanguage = (typeof CODE_LANGUAGES)[number];

/** Code for an action, or why that language cannot express it. */
export type Code = { ok: true; text: string } | { ok: false; reason: string };

/** The command lines send all their requests at once, so long lists are split. */
const CLI_BATCH = 20;

/** Sandboxes of one connection. `isNamed`: whether the code has to say which one. */
export type CodeGroup = {
  ids: readonly string[];
  connection: Pick<ShownConnection, 'name' | 'kind' | 'host' | 'variables'>;
  isNamed: boolean;
};

/**
 * Code like `asCode` for each connection, because each needs the key of its own account. Several scripts follow each other,
 * each after a comment that says where it belongs.
 */
export function asCodePerConnection(
  act: SandboxAct,
  params: ActParams,
  groups: readonly CodeGroup[],
  language: CodeLanguage,
): Code {
  const comment = COMMENTS[language];
  const texts: string[] = [];
  for (const [index, { ids, connection, isNamed }] of groups.entries()) {
    const code = asCode(act, params, ids, language, connection.kind);
    if (!code.ok) return code;
    const part = groups.length > 1 ? `Part ${index + 1} of ${groups.length}: ` : '';
    const alone = groups.length > 1 && language !== 'cli' ? ' Save it as a file of its own.' : '';
    const about = isNamed
      ? `${part}sandboxes of ${connection.name}. ${needs(connection)}${alone}`
      : hasUsualAddresses(connection)
        ? ''
        : needs(connection);
    texts.push((about === '' ? '' : `${comment} ${about}\n`) + code.text);
  }
  return { ok: true, text: texts.join('\n') };
}

/** The environment variables that the code needs. The local engine prints them when it starts. */
function needs({ kind, host, variables }: CodeGroup['connection']): string {
  if (hasPrintedVariables(kind)) return 'Needs the variables that Sandkeeper printed when it started.';
  const others = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const key = `${keyVariable(sdkOf(kind))}, a key for ${host}`;
  return `Needs ${others.length === 0 ? key : `${others.join(', ')} and ${key}`}.`;
}

function hasUsualAddresses({ kind, variables }: CodeGroup['connection']): boolean {
  return hasPrintedVariables(kind) || Object.keys(variables).length === 0;
}

const COMMENTS = { python: '#', typescript: '//', cli: '#' } satisfies Record<CodeLanguage, string>;

/**
 * Code that does the same action on the same ids, with the SDK for Python or TypeScript or the command line of the service. It tries
 * every id even if some fail, and its exit status tells whether all succeeded. Only validated ids and numbers and, for a
 * command, its text as an escaped literal are inserted. Throws RangeError for an invalid id or number.
 */
export function asCode(
  act: SandboxAct,
  params: ActParams,
  ids: readonly string[],
  language: CodeLanguage,
  kind: ConnectionKind,
): Code {
  if (!ids.every((id) => SANDBOX_ID_PATTERN.test(id))) throw new RangeError('Invalid sandbox ID.');
  return WRITERS[language](act, params, ids, sdkOf(kind));
}

type Writer = (act: SandboxAct, params: ActParams, ids: readonly string[], sdk: Sdk) => Code;

const WRITERS = {
  python: (act, params, ids, sdk) => ({ ok: true, text: python(act, params, ids, sdk) }),
  typescript: (act, params, ids, sdk) => ({ ok: true, text: typescript(act, params, ids, sdk) }),
  cli,
} satisfies Record<CodeLanguage, Writer>;

/** What a command line cannot do, after its name. `null`: it can. */
const NO_CLI = {
  kill: () => null,
  pause: ({ canCommandPause }) => (canCommandPause ? null : 'cannot pause'),
  resume: () => 'cannot resume with a timeout',
  setTimeout: () => 'cannot set the time left',
  run: () => 'cannot run a command with a time limit',
} satisfies Record<SandboxAct, (sdk: Sdk) => string | null>;

function cli(act: SandboxAct, params: ActParams, ids: readonly string[], sdk: Sdk): Code {
  const missing =
    params.exportPath !== undefined
      ? 'cannot archive files before a kill'
      : params.graceMs === undefined
        ? NO_CLI[act](sdk)
        : 'cannot stop processes before a kill';
  if (missing !== null) return { ok: false, reason: `The ${sdk.title} CLI ${missing}.` };
  const command = `${sdk.command} sandbox ${act}`;
  // Only a kill takes more than one.
  const batch = act === 'kill' ? CLI_BATCH : 1;
  if (ids.length <= batch) return { ok: true, text: `${command} ${ids.join(' ')}\n` };
  return { ok: true, text: `xargs -n ${batch} ${command} <<'END'\n${ids.join('\n')}\nEND\n` };
}

type Lines = readonly string[];

function typescript(act: SandboxAct, params: ActParams, ids: readonly string[], sdk: Sdk): string {
  const { imports, before = [], body }: Written = TYPESCRIPT[act](params, sdk);
  return lines([
    `import { ${imports} } from '${sdk.npm}';`,
    '',
    'const ids = [',
    ...ids.map((id) => `  '${id}',`),
    '];',
    '',
    ...archiveWarning(params, '//'),
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

/** The SDK cannot archive and verify files, so the generated code says that it only kills. */
function archiveWarning({ exportPath }: ActParams, comment: string): Lines {
  if (exportPath === undefined) return [];
  return [
    `${comment} This only kills. It does not archive files first: download what you need before you run it.`,
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
  pause: (_params, { pause }) => ({
    imports: 'Sandbox',
    body: [
      `const wasRunning = await Sandbox.${pause.typescript}(id);`,
      "console.log(id, wasRunning ? 'paused' : 'already paused');",
    ],
  }),
  resume: ({ timeoutMs, autoPause }) => ({
    imports: 'ApiClient, ConnectionConfig',
    before: [
      '// Sandbox.connect() cannot choose what the timeout does, and may extend the time of a running sandbox.',
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
  setTimeout: ({ timeoutMs, addMs }) => ({
    imports: 'Sandbox',
    body: [
      ...(addMs === undefined
        ? [`await Sandbox.setTimeout(id, ${wholeSeconds(timeoutMs) * 1_000});`]
        : [
            'const { endAt } = await Sandbox.getInfo(id);',
            'const leftMs = Math.max(0, endAt.getTime() - Date.now());',
            `await Sandbox.setTimeout(id, leftMs + ${wholeSeconds(addMs) * 1_000});`,
          ]),
      "console.log(id, 'time left set');",
    ],
  }),
  run: ({ command, cwd, limitMs }) => ({
    imports: 'Sandbox',
    before: [`const command = ${literal(command, 'typescript')};`, ''],
    body: [
      'const { state } = await Sandbox.getInfo(id);',
      "if (state !== 'running') throw new Error('not run: it is ' + state);",
      '// connect() extends the time left to at least five minutes.',
      'const sandbox = await Sandbox.connect(id);',
      `const options = { timeoutMs: ${checkedLimitMs(limitMs)}${cwd === undefined ? '' : `, cwd: ${literal(cwd, 'typescript')}`} };`,
      '// A nonzero exit code is thrown as an error with the same fields.',
      'const ended = await sandbox.commands.run(command, options).catch((error) => {',
      '  if (error.exitCode === undefined) throw error;',
      '  return error;',
      '});',
      "console.log(id, 'exit', ended.exitCode);",
      'process.stdout.write(ended.stdout);',
      'process.stderr.write(ended.stderr);',
    ],
  }),
} satisfies Record<SandboxAct, (params: ActParams, sdk: Sdk) => Written>;

/** Only a running sandbox has processes. A paused one must not be woken. */
function gracefulTypescript(graceMs: number): Lines {
  return [
    'const info = await Sandbox.getInfo(id).catch(() => null);',
    "if (info?.state === 'running') {",
    '  const sandbox = await Sandbox.connect(id);',
    '  // Sends SIGTERM to everything except this shell.',
    "  await sandbox.commands.run('kill -TERM -1 || true');",
    `  const until = Date.now() + ${checkedGraceMs(graceMs)};`,
    '  while (Date.now() < until && (await sandbox.commands.list()).length > 0) {',
    '    await new Promise((resolve) => setTimeout(resolve, 250));',
    '  }',
    '}',
  ];
}

function python(act: SandboxAct, params: ActParams, ids: readonly string[], sdk: Sdk): string {
  const { imports, before = [], body }: Written = PYTHON[act](params, sdk);
  return lines([
    ...imports.split('\n'),
    '',
    'ids = [',
    ...ids.map((id) => `    "${id}",`),
    ']',
    '',
    ...archiveWarning(params, '#'),
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
  kill: ({ graceMs }, { python }) => ({
    imports: `import sys\n${graceMs === undefined ? '' : 'import time\n'}\nfrom ${python} import Sandbox`,
    body: [
      ...(graceMs === undefined ? [] : gracefulPython(graceMs)),
      'was_there = Sandbox.kill(sandbox_id)',
      'print(sandbox_id, "killed" if was_there else "already gone")',
    ],
  }),
  pause: (_params, { python, pause }) => ({
    imports: `import sys\n\nfrom ${python} import Sandbox`,
    body: [`Sandbox.${pause.python}(sandbox_id)`, 'print(sandbox_id, "paused")'],
  }),
  resume: ({ timeoutMs, autoPause }, { python }) => ({
    imports: [
      'import sys',
      '',
      `from ${python} import ApiClient, ConnectionConfig`,
      `from ${python}.api.client.api.sandboxes import post_sandboxes_sandbox_id_resume`,
      `from ${python}.api.client.models import ResumedSandbox`,
    ].join('\n'),
    before: [
      '# Sandbox.connect() cannot choose what the timeout does, and may extend the time of a running sandbox.',
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
  setTimeout: ({ timeoutMs, addMs }, { python }) => ({
    imports:
      addMs === undefined
        ? `import sys\n\nfrom ${python} import Sandbox`
        : `import math\nimport sys\nfrom datetime import datetime, timezone\n\nfrom ${python} import Sandbox`,
    body: [
      ...(addMs === undefined
        ? [`Sandbox.set_timeout(sandbox_id, ${wholeSeconds(timeoutMs)})`]
        : [
            'left = Sandbox.get_info(sandbox_id).end_at - datetime.now(timezone.utc)',
            `Sandbox.set_timeout(sandbox_id, max(0, math.ceil(left.total_seconds())) + ${wholeSeconds(addMs)})`,
          ]),
      'print(sandbox_id, "time left set")',
    ],
  }),
  run: ({ command, cwd, limitMs }, { python }) => ({
    imports: `import sys\n\nfrom ${python} import Sandbox`,
    before: [`command = ${literal(command, 'python')}`, ''],
    body: [
      'state = Sandbox.get_info(sandbox_id).state.value',
      'if state != "running":',
      '    raise RuntimeError(f"not run: it is {state}")',
      '# connect() extends the time left to at least five minutes.',
      'sandbox = Sandbox.connect(sandbox_id)',
      'try:',
      `    ended = sandbox.commands.run(command, timeout=${checkedLimitMs(limitMs) / 1_000}${cwd === undefined ? '' : `, cwd=${literal(cwd, 'python')}`})`,
      'except Exception as error:',
      '    # A nonzero exit code is raised as an error with the same fields.',
      '    if not hasattr(error, "exit_code"):',
      '        raise',
      '    ended = error',
      'print(sandbox_id, "exit", ended.exit_code)',
      'sys.stdout.write(ended.stdout)',
      'sys.stderr.write(ended.stderr)',
    ],
  }),
} satisfies Record<SandboxAct, (params: ActParams, sdk: Sdk) => Written>;

function gracefulPython(graceMs: number): Lines {
  return [
    'try:',
    '    is_running = Sandbox.get_info(sandbox_id).state.value == "running"',
    'except Exception:',
    '    is_running = False',
    'if is_running:',
    '    sandbox = Sandbox.connect(sandbox_id)',
    '    # Sends SIGTERM to everything except this shell.',
    '    sandbox.commands.run("kill -TERM -1 || true")',
    `    until = time.monotonic() + ${checkedGraceMs(graceMs) / 1_000}`,
    '    while time.monotonic() < until and sandbox.commands.list():',
    '        time.sleep(0.25)',
  ];
}

function pythonBoolean(value: boolean): string {
  return value ? 'True' : 'False';
}

/** The service takes whole seconds. Rounds up. */
function wholeSeconds(timeoutMs: number | undefined): number {
  const seconds = Math.ceil((timeoutMs ?? Number.NaN) / 1_000);
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new RangeError('Invalid timeout.');
  return seconds;
}

function checkedGraceMs(graceMs: number): number {
  if (!Number.isSafeInteger(graceMs) || graceMs < 0 || graceMs > MAX_GRACE_MS)
    throw new RangeError('Invalid grace period.');
  return graceMs;
}

function checkedLimitMs(limitMs: number | undefined): number {
  if (limitMs === undefined || !Number.isSafeInteger(limitMs) || limitMs < MIN_LIMIT_MS)
    throw new RangeError('Invalid time limit.');
  return limitMs;
}

/** Control, format, unpaired surrogate and line separator characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A double-quoted string literal. Invisible characters are escaped. */
function literal(text: string | undefined, language: 'python' | 'typescript'): string {
  if (text === undefined) throw new RangeError('No command.');
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n');
  const written = escaped.replace(INVISIBLE, (character) => {
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

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectionKind } from '../../connection';
import { apiKeyFor } from '../../engine/dialect';
import { canRun, startProcessEngine } from '../../engine/jail/test-process-engine';
import { localKey } from '../../test-support/environment';
import { DOWNLOAD_LANGUAGES, downloadCode } from './download-code';

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const NAMES = [
  'plain.bin',
  'it\'s "quoted"',
  'two\nlines',
  'back\\slash',
  'gpj.\u202Eexe',
  '日本 語',
  'tag\u{E0041}',
];

type Ended = { code: number; err: string };

function run(
  program: string,
  args: string[],
  text: string,
  { cwd, env = {} }: { cwd?: string; env?: object } = {},
) {
  return new Promise<Ended>((resolve) => {
    const child = execFile(program, args, { cwd, env: { ...process.env, ...env } }, (error, _out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, err });
    });
    child.stdin?.end(text);
  });
}

describe.skipIf(!canRun)('TypeScript', () => {
  it('downloads a file of any name without waking the sandbox', async () => {
    const engine = await startProcessEngine();
    const sandbox = await engine.create();
    const cwd = mkdtempSync(join(tmpdir(), 'sandkeeper-download-'));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    symlinkSync(MODULES, join(cwd, 'node_modules'));
    const env = {
      MORU_API_URL: engine.url,
      MORU_SANDBOX_URL: engine.url,
      MORU_API_KEY: engine.apiKey,
      E2B_API_URL: engine.url,
      E2B_SANDBOX_URL: engine.url,
      E2B_API_KEY: apiKeyFor('e2b', engine.apiKey),
    };
    const bytes = Uint8Array.from({ length: 512 }, (_, at) => at % 256);
    const download = (name: string, kind: ConnectionKind = 'moru') =>
      run(
        'node',
        ['--input-type=module', '-'],
        downloadCode(localKey(sandbox.sandboxId), `/home/user/${name}`, 'typescript', kind),
        { cwd, env },
      );
    for (const name of NAMES) {
      await sandbox.files.write(`/home/user/${name}`, new Blob([bytes]));
      expect([name, await download(name)]).toEqual([name, { code: 0, err: '' }]);
      expect(new Uint8Array(readFileSync(join(cwd, name.replace('\\', '_'))))).toEqual(bytes);
    }
    await sandbox.files.write('/home/user/e2b.bin', new Blob([bytes]));
    expect(await download('e2b.bin', 'e2b')).toEqual({ code: 0, err: '' });
    expect(new Uint8Array(readFileSync(join(cwd, 'e2b.bin')))).toEqual(bytes);
    await engine.api('POST', `/sandboxes/${sandbox.sandboxId}/pause`);
    const ended = await download('plain.bin');
    expect(ended.err).toContain('The sandbox is not running.');
  });
});

describe('Python', () => {
  it.each(NAMES)('quotes the exact path: %j', async (name) => {
    const code = downloadCode('local/ia7kh0tl11tyw3inzzbyq', `/home/user/${name}`, 'python', 'e2b');
    expect(code).not.toMatch(/[^\n\P{C}]/u);
    const check =
      'import ast, sys\n' +
      'calls = [node for node in ast.walk(ast.parse(sys.stdin.read())) if isinstance(node, ast.Call)]\n' +
      'read = next(call for call in calls if getattr(call.func, "attr", "") == "read")\n' +
      'sys.exit(0 if read.args[0].value == sys.argv[1] else read.args[0].value)';
    const ended = await run('python3', ['-c', check, `/home/user/${name}`], code);
    // -1: Python is not installed.
    if (ended.code !== -1) expect(ended).toEqual({ code: 0, err: '' });
  });
});

it('rejects an invalid sandbox id', () => {
  for (const language of DOWNLOAD_LANGUAGES)
    expect(() => downloadCode(localKey("i'; process.exit(); '"), '/a', language, 'moru')).toThrow(RangeError);
});

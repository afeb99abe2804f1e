import type { ConnectionKind } from '../../connection';
import { type Sdk, sdkOf } from '../../sandbox/sdk';
import { idOf, SANDBOX_ID_PATTERN, type SandboxKey } from '../../sandbox-key';
import { baseName } from '../guest-path';

/** The command lines of the services cannot read files. */
export const DOWNLOAD_LANGUAGES = ['python', 'typescript'] as const;
export type DownloadLanguage = (typeof DOWNLOAD_LANGUAGES)[number];

/**
 * A script that downloads one file with the SDK of the service. It does not wake the sandbox or shorten its timeout.
 * @throws RangeError for an invalid sandbox id
 */
export function downloadCode(
  sandboxKey: SandboxKey,
  path: string,
  language: DownloadLanguage,
  kind: ConnectionKind,
): string {
  const id = idOf(sandboxKey);
  if (!SANDBOX_ID_PATTERN.test(id)) throw new RangeError('Invalid sandbox ID.');
  return WRITERS[language](id, path, sdkOf(kind));
}

const WRITERS = {
  python: (id, path, sdk) =>
    lines([
      `from ${sdk.python} import Sandbox`,
      '',
      `sandbox_id = "${id}"`,
      '# Sandbox.connect() would wake a paused sandbox.',
      'if Sandbox.get_info(sandbox_id).state.value != "running":',
      '    raise SystemExit("The sandbox is not running.")',
      'sandbox = Sandbox.connect(sandbox_id, timeout=1)  # does not shorten the timeout',
      `content = sandbox.files.read(${quoted(path, 'python')}, format="bytes")`,
      `with open(${quoted(localName(path), 'python')}, "xb") as file:`,
      '    file.write(content)',
    ]),
  typescript: (id, path, sdk) =>
    lines([
      "import { writeFile } from 'node:fs/promises';",
      `import { Sandbox } from '${sdk.npm}';`,
      '',
      `const sandboxId = '${id}';`,
      '// Sandbox.connect() would wake a paused sandbox.',
      'const { state } = await Sandbox.getInfo(sandboxId);',
      "if (state !== 'running') throw new Error('The sandbox is not running.');",
      '// Does not shorten the timeout.',
      'const sandbox = await Sandbox.connect(sandboxId, { timeoutMs: 1_000 });',
      `const content = await sandbox.files.read(${quoted(path, 'typescript')}, { format: 'bytes' });`,
      `await writeFile(${quoted(localName(path), 'typescript')}, content, { flag: 'wx' });`,
    ]),
} satisfies Record<DownloadLanguage, (id: string, path: string, sdk: Sdk) => string>;

/** A file name without path separators, for the machine that runs the script. */
function localName(path: string): string {
  return baseName(path)
    .replaceAll('\\', '_')
    .replace(/^[.]+$/, '_');
}

/** Characters that would be invisible in the code or end the string literal. */
const ESCAPED = /[\\'"]|[\p{C}\p{DI}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

const LITERALS = {
  python: { quote: '"', escapeLong: (hex: string) => `\\U${hex.padStart(8, '0')}` },
  typescript: { quote: "'", escapeLong: (hex: string) => `\\u{${hex}}` },
} satisfies Record<DownloadLanguage, { quote: string; escapeLong: (hex: string) => string }>;

function quoted(text: string, language: DownloadLanguage): string {
  const { quote, escapeLong } = LITERALS[language];
  const inside = text.replace(ESCAPED, (character) => {
    if (character === '\\' || character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? escapeLong(hex) : `\\u${hex.padStart(4, '0')}`;
  });
  return `${quote}${inside}${quote}`;
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}

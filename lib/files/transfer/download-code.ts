import { SANDBOX_ID_PATTERN } from '../../sandbox/limits';
import { baseName } from '../guest-path';

/** The languages in which a download can be written down. The `moru` command line has no way to read files. */
export const DOWNLOAD_LANGUAGES = ['python', 'typescript'] as const;
export type DownloadLanguage = (typeof DOWNLOAD_LANGUAGES)[number];

/**
 * The download of one file for people to run themselves, with the SDK. It wakes nothing and does not shorten the time
 * left. Throws where `sandboxId` is none.
 */
export function downloadCode(sandboxId: string, path: string, language: DownloadLanguage): string {
  if (!SANDBOX_ID_PATTERN.test(sandboxId)) throw new RangeError('That is not the id of a sandbox.');
  return WRITERS[language](sandboxId, path);
}

const WRITERS = {
  python: (id, path) =>
    lines([
      'from moru import Sandbox',
      '',
      `sandbox_id = "${id}"`,
      '# Sandbox.connect() would wake a paused one.',
      'if Sandbox.get_info(sandbox_id).state.value != "running":',
      '    raise SystemExit("The sandbox is not running.")',
      'sandbox = Sandbox.connect(sandbox_id, timeout=1)  # never shortens the time left',
      `content = sandbox.files.read(${quoted(path, 'python')}, format="bytes")`,
      `with open(${quoted(localName(path), 'python')}, "xb") as file:`,
      '    file.write(content)',
    ]),
  typescript: (id, path) =>
    lines([
      "import { writeFile } from 'node:fs/promises';",
      "import { Sandbox } from '@moru-ai/core';",
      '',
      `const sandboxId = '${id}';`,
      '// Sandbox.connect() would wake a paused one.',
      'const { state } = await Sandbox.getInfo(sandboxId);',
      "if (state !== 'running') throw new Error('The sandbox is not running.');",
      '// Never shortens the time left.',
      'const sandbox = await Sandbox.connect(sandboxId, { timeoutMs: 1_000 });',
      `const content = await sandbox.files.read(${quoted(path, 'typescript')}, { format: 'bytes' });`,
      `await writeFile(${quoted(localName(path), 'typescript')}, content, { flag: 'wx' });`,
    ]),
} satisfies Record<DownloadLanguage, (id: string, path: string) => string>;

/** The file's own name, but none that leads elsewhere on the machine of whoever runs this. */
function localName(path: string): string {
  return baseName(path)
    .replaceAll('\\', '_')
    .replace(/^[.]+$/, '_');
}

/** What could not be seen in the code, or would end the text it stands in. */
const ESCAPED = /[\\'"]|[\p{C}\p{DI}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

const FORMS = {
  python: { quote: '"', far: (hex: string) => `\\U${hex.padStart(8, '0')}` },
  typescript: { quote: "'", far: (hex: string) => `\\u{${hex}}` },
} satisfies Record<DownloadLanguage, { quote: string; far: (hex: string) => string }>;

function quoted(text: string, language: DownloadLanguage): string {
  const { quote, far } = FORMS[language];
  const inside = text.replace(ESCAPED, (character) => {
    if (character === '\\' || character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? far(hex) : `\\u${hex.padStart(4, '0')}`;
  });
  return `${quote}${inside}${quote}`;
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}

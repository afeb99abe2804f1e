import 'server-only';
import type { Entry, EntryKind } from '../sandbox/file';
import { ByteCollector } from './byte-collector';
import { followCommand } from './envd-command';
import { type EnvdProcesses, SH } from './envd-processes';
import { FileError } from './file-error';

const LIFETIME_MS = 20_000;
const MAX_BYTES = 64 * 1024 * 1024;
const CANNOT_ENTER = 3;

/**
 * Prints the entries of the folder `$1` in batches. For each batch: a letter and the name of every entry, each followed by NUL;
 * NUL; the lines of `stat`; NUL; the name, kind of target and target of every link, each followed by NUL; NUL. Entries that
 * disappear meanwhile have no line.
 */
const SCRIPT = `cd -- "$1" || exit ${CANNOT_ENTER}
exec find . -mindepth 1 -maxdepth 1 -exec ${SH} -c '
for name do
  if [ -L "$name" ]; then kind=l
  elif [ -d "$name" ]; then kind=d
  elif [ -f "$name" ]; then kind=f
  elif [ -p "$name" ]; then kind=p
  elif [ -S "$name" ]; then kind=s
  elif [ -b "$name" ] || [ -c "$name" ]; then kind=v
  else kind=o
  fi
  printf "%s\\0" "$kind\${name#./}"
done
printf "\\0"
stat -c "%f %s %Y %U %G %n" -- "$@" 2>/dev/null
printf "\\0"
for name do
  [ -L "$name" ] || continue
  if [ -d "$name" ]; then kind=d
  elif [ -f "$name" ]; then kind=f
  elif [ -e "$name" ]; then kind=o
  else kind=n
  fi
  target=
  [ "$kind" = n ] || target=$(readlink -f -- "$name")
  printf "%s\\0%s\\0%s\\0" "\${name#./}" "$kind" "$target"
done
printf "\\0"
' ${SH} {} +`;

/**
 * Lists a folder with a process in the sandbox, for folders that the daemon cannot list because of a name that is not UTF-8
 * (docs/protocol.md#envd-names-that-are-not-utf-8). `null` if the sandbox has no programs for it.
 */
export async function listByProcess(
  processes: EnvdProcesses,
  path: string,
  signal: AbortSignal,
): Promise<Entry[] | null> {
  const command = { cmd: SH, args: ['-c', SCRIPT, SH, path], cwd: '/' };
  const read = new ByteCollector();
  let exitCode: number | null = null;
  for await (const event of followCommand(processes, command, LIFETIME_MS, signal)) {
    if (event.kind === 'end') exitCode = event.exitCode;
    if (event.kind !== 'stdout') continue;
    if (read.size + event.bytes.length > MAX_BYTES) throw new FileError('too_large');
    read.add(event.bytes);
  }
  if (exitCode === CANNOT_ENTER) throw new FileError('denied');
  // Names of bytes, one character each, until they are decoded.
  const text = read.bytes().toString('latin1');
  // `find` also fails for a single entry that it could not read.
  return exitCode === 0 || text !== '' ? parseListing(text, path) : null;
}

/** Parses the output of the script. Ignores what is not in its format. */
function parseListing(text: string, folderPath: string): Entry[] {
  const fields = text.split('\0');
  const entries: Entry[] = [];
  let at = 0;
  const next = () => fields[at++] ?? '';
  while (at < fields.length - 1) {
    const named: { letter: string; name: string }[] = [];
    for (let field = next(); field !== ''; field = next())
      named.push({ letter: field[0] ?? '', name: field.slice(1) });
    const lines = next();
    const links = new Map<string, { kind: string; target: string }>();
    for (let name = next(); name !== ''; name = next()) links.set(name, { kind: next(), target: next() });
    let rest = lines;
    for (const { letter, name } of named) {
      const found = lineOf(rest, name);
      if (found !== null) rest = rest.slice(found.length);
      const entry = entryOf(folderPath, name, letter, found?.line ?? null, links.get(name));
      if (entry !== null) entries.push(entry);
    }
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

type Line = { mode: number; sizeBytes: number; modifiedAtMs: number; owner: string; group: string };

/** The line of `stat` for `name` at the beginning of `text`, which may contain line breaks. */
function lineOf(text: string, name: string): { line: Line; length: number } | null {
  const [head, mode = '', size = '', time = '', owner = '', group = ''] =
    /^([0-9a-f]{1,8}) (\d{1,15}) (-?\d{1,12}) (\S+) (\S+) \.\//.exec(text) ?? [];
  if (head === undefined || !text.startsWith(`${name}\n`, head.length)) return null;
  const line = {
    mode: Number.parseInt(mode, 16),
    sizeBytes: Number(size),
    modifiedAtMs: Number(time) * 1_000,
    owner: decode(owner),
    group: decode(group),
  };
  return { line, length: head.length + name.length + 1 };
}

const KINDS: Readonly<Record<string, EntryKind>> = {
  l: 'link',
  d: 'directory',
  f: 'file',
  p: 'fifo',
  s: 'socket',
  v: 'device',
};
const TARGETS: Readonly<Record<string, Entry['leadsTo']>> = { d: 'directory', f: 'file', n: 'nothing' };

function entryOf(
  folderPath: string,
  bytes: string,
  letter: string,
  line: Line | null,
  link: { kind: string; target: string } | undefined,
): Entry | null {
  const name = decode(bytes);
  // These names would point outside the folder.
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return null;
  const kind = KINDS[letter] ?? 'other';
  const path = `${folderPath.replace(/\/+$/, '')}/${name}`;
  return {
    name,
    path,
    kind,
    leadsTo: kind === 'link' ? (TARGETS[link?.kind ?? 'n'] ?? 'other') : null,
    linkTarget: kind === 'link' && link?.target ? decode(link.target) : null,
    sizeBytes: line?.sizeBytes ?? 0,
    permissions: line === null ? '' : permissionsOf(line.mode),
    owner: line?.owner ?? '',
    group: line?.group ?? '',
    modifiedAtMs: line?.modifiedAtMs ?? 0,
    isAddressable: !path.includes('\uFFFD'),
  };
}

/** From one character per byte to text. Invalid bytes become U+FFFD. */
function decode(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const TYPE_LETTERS: ReadonlyMap<number, string> = new Map([
  [0o040000, 'd'],
  [0o120000, 'L'],
  [0o060000, 'D'],
  [0o020000, 'Dc'],
  [0o010000, 'p'],
  [0o140000, 'S'],
]);

/** The mode in Go's notation, as the daemon writes it (docs/protocol.md#envd-entry-info). */
function permissionsOf(mode: number): string {
  const special = [
    [0o4000, 'u'],
    [0o2000, 'g'],
    [0o1000, 't'],
  ] as const;
  const type = TYPE_LETTERS.get(mode & 0o170000) ?? '';
  const bits = special.flatMap(([bit, letter]) => ((mode & bit) === 0 ? [] : [letter])).join('');
  const rights = [...'rwxrwxrwx'].map((letter, at) => ((mode & (0o400 >> at)) === 0 ? '-' : letter)).join('');
  return `${type + bits || '-'}${rights}`;
}

import 'server-only';
import { SandkeeperError } from '../../../errors';
import type { Envd } from '../../../sandbox-api/envd';
import { concernsOneFile, FileError, fileProblemOf } from '../../../sandbox-api/file-error';
import type { SandboxKey } from '../../../sandbox-key';
import { pathsToTraverse, splitPath, withoutPseudo } from '../../browse/folders';
import type { Entry } from '../../schema';
import { type ArchiveEntry, noBytes } from './entry';
import { type ArchiveProgram, archivePrograms } from './programs';
import { readTar, TarError } from './tar-reader';

/** A selected path and its name in the archive. */
export type Selected = { path: string; name: string };

type Source = {
  sandboxKey: SandboxKey;
  envd: Envd;
  signal: AbortSignal;
  /** Receives a line for each entry that cannot be read. `isFault`: its permissions do not explain it. */
  onMissing: (line: string, isFault: boolean) => void;
};

/** The time limit for a slow client, ms. */
const MAX_MS = 12 * 60 * 60_000;
/** Tried in order. Without the first option, hard links come as links. */
const TAR_OPTIONS: readonly (readonly string[])[] = [['--hard-dereference'], []];

/** Reads a path and everything below it with the sandbox's `tar`, or else file by file. The output is untrusted. */
export async function* readSelected(
  source: Source,
  selected: Selected,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const tar = await startTar(source, selected.path);
  yield* tar ? readOutput(source, tar, selected) : walk(source, selected);
}

/** `null` if the sandbox has no working `tar`. */
async function startTar({ sandboxKey, envd, signal }: Source, path: string): Promise<ArchiveProgram | null> {
  const paths = await pathsToTraverse(envd, path, signal);
  const { folder } = splitPath(paths[0] ?? path);
  const names = paths.map((each) => `./${splitPath(each).name}`);
  for (const options of TAR_OPTIONS) {
    const args = ['-c', ...options, '-f', '-', '-C', folder, '--', ...names];
    const command = { cmd: 'tar', args };
    const tar = await archivePrograms().start({ envd, sandboxKey, command, lifetimeMs: MAX_MS, signal });
    try {
      if (await tar.output.begins()) return tar;
      await tar.close();
    } catch (thrown) {
      await tar.close();
      // The program does not exist.
      if (SandkeeperError.from(thrown).code !== 'invalid') throw thrown;
    }
  }
  return null;
}

async function* readOutput(
  { onMissing }: Source,
  { output: tar, close }: ArchiveProgram,
  { path, name: top }: Selected,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const isRoot = splitPath(path).name === '';
  try {
    for await (const entry of readTar(tar.read())) {
      const names = entry.path.filter((name) => name !== '' && name !== '.');
      const body = explained(entry.body);
      yield { ...entry, path: [top, ...(isRoot ? names : names.slice(1))], body };
    }
  } catch (thrown) {
    throw explain(thrown);
  } finally {
    await close();
  }
  if (tar.exitCode === null || tar.exitCode < 0) {
    throw new FileError('unavailable', { message: 'The archive was interrupted. Try again.' });
  }
  const messages = tar.stderr.split('\n').filter((line) => line.trim() !== '');
  // A failure without messages could have left out anything.
  if (tar.exitCode !== 0 && messages.length === 0)
    throw new FileError('unavailable', { message: 'The archive is incomplete. Try again.' });
  for (const line of messages) onMissing(line, !EXPECTED_MESSAGES.test(line));
}

/** The content of an entry is read after it was yielded. */
async function* explained(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* body;
  } catch (thrown) {
    throw explain(thrown);
  }
}

function explain(thrown: unknown): unknown {
  if (!(thrown instanceof TarError)) return thrown;
  return new SandkeeperError('unexpected', 'The archive is incomplete. Try again.', { cause: thrown });
}

/** Messages of `tar` about permissions, kinds, and files that change or disappear meanwhile. */
const EXPECTED_MESSAGES = new RegExp(
  [
    'permission denied|not permitted|no such file|removed before|socket ignored|door ignored|unknown file type',
    'changed as we read|shrank by|removing leading|exiting with failure|previous errors|has different type',
  ].join('|'),
  'i',
);

/** Reads folder by folder and file by file. */
async function* walk(
  source: Source,
  { path, name }: Selected,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const { envd, signal } = source;
  const start = await envd.stat(path, signal);
  const todo: { entry: Entry; path: string[] }[] = [{ entry: start, path: [name] }];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { entry, path: names } = next;
    if (entry.kind === 'file') {
      yield* readOne(source, entry, names);
      continue;
    }
    yield {
      path: names,
      kind: entry.kind === 'directory' || entry.kind === 'link' ? entry.kind : 'other',
      sizeBytes: 0,
      mode: 0o755,
      modifiedAtMs: entry.modifiedAtMs,
      linkTarget: entry.linkTarget ?? '',
      body: noBytes(),
    };
    if (entry.kind !== 'directory') continue;
    const below = await listBelow(source, entry);
    for (const child of below.reverse()) todo.push({ entry: child, path: [...names, child.name] });
  }
}

async function listBelow({ envd, signal, onMissing }: Source, { path }: Entry): Promise<Entry[]> {
  const entries = await orMissing(onMissing, path, () => envd.listDir(path, signal));
  return path === '/' ? withoutPseudo(entries ?? []) : (entries ?? []);
}

async function* readOne(
  { envd, signal, onMissing }: Source,
  entry: Entry,
  names: string[],
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const content = await orMissing(onMissing, entry.path, () => envd.readFile(entry.path, { signal }));
  if (content?.kind !== 'bytes') return;
  try {
    yield {
      path: names,
      kind: 'file',
      sizeBytes: content.sizeBytes,
      mode: entry.permissions.slice(-9).includes('x') ? 0o755 : 0o644,
      modifiedAtMs: entry.modifiedAtMs,
      linkTarget: '',
      body: content.body,
    };
  } finally {
    content.body.destroy();
  }
}

function isExpected(thrown: unknown): boolean {
  const problem = fileProblemOf(thrown);
  return problem === 'vanished' || problem === 'denied' || problem === 'not_regular';
}

/** Skips a file that cannot be read. Other failures end the archive. */
async function orMissing<T>(
  onMissing: Source['onMissing'],
  path: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!concernsOneFile(thrown)) throw thrown;
    onMissing(`${path}: ${SandkeeperError.from(thrown).message}`, !isExpected(thrown));
    return undefined;
  }
}

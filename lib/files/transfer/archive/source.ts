import 'server-only';
import { SandkeeperError } from '../../../errors';
import type { Envd } from '../../../sandbox-api/envd';
import { FileError, isOfOneFile } from '../../../sandbox-api/file-error';
import { GuestOutput } from '../../../sandbox-api/guest-command';
import { pathsToTraverse, withoutPseudo, splitPath } from '../../browse/folders';
import type { Entry } from '../../schema';
import { type ArchiveEntry, noBytes } from './entry';
import { readTar, TarError } from './tar-reader';

/** A place that goes into an archive, and the name it has there. */
export type Selected = { path: string; name: string };

type Source = {
  envd: Envd;
  signal: AbortSignal;
  /** Told of what cannot be read, for people. */
  miss: (words: string) => void;
};

/** As long as an archive may take, ms: however slow whoever takes it. */
const LIFE_MS = 12 * 60 * 60_000;
/** One after the other until one is understood: without the first, files with several names come as links. */
const TAR_OPTIONS: readonly (readonly string[])[] = [['--hard-dereference'], []];

/**
 * Everything at and below a place, by the sandbox's own `tar`, or file by file where it has none that works. Nothing is
 * written in the sandbox. What is read is what the sandbox says: hostile.
 */
export async function* readSelected(
  source: Source,
  selected: Selected,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const tar = await startTar(source, selected.path);
  yield* tar ? readOutput(source, tar, selected) : walk(source, selected);
}

/** `null` where the sandbox has no `tar` that works. */
async function startTar({ envd, signal }: Source, path: string): Promise<GuestOutput | null> {
  const places = await pathsToTraverse(envd, path, signal);
  const { folder } = splitPath(places[0] ?? path);
  const names = places.map((place) => `./${splitPath(place).name}`);
  for (const options of TAR_OPTIONS) {
    const args = ['-c', ...options, '-f', '-', '-C', folder, '--', ...names];
    const tar = new GuestOutput(envd, { cmd: 'tar', args }, LIFE_MS, signal);
    try {
      if (await tar.begins()) return tar;
    } catch (thrown) {
      // There is no such program.
      if (SandkeeperError.from(thrown).code !== 'invalid') throw thrown;
    }
  }
  return null;
}

async function* readOutput(
  { miss }: Source,
  tar: GuestOutput,
  { path, name: top }: Selected,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const isRoot = splitPath(path).name === '';
  try {
    for await (const entry of readTar(tar.read())) {
      const names = entry.path.filter((name) => name !== '' && name !== '.');
      yield { ...entry, path: [top, ...(isRoot ? names : names.slice(1))] };
    }
  } catch (thrown) {
    if (!(thrown instanceof TarError)) throw thrown;
    throw new SandkeeperError('unexpected', 'The sandbox did not hand out a whole archive.', {
      cause: thrown,
    });
  } finally {
    await tar.close();
  }
  if (tar.exitCode === null || tar.exitCode < 0) {
    throw new FileError('unavailable', { message: 'The sandbox broke off.' });
  }
  const complaints = tar.words.split('\n').filter((line) => line.trim() !== '');
  // What it left out is not known: this must not pass for all there is.
  if (tar.exitCode !== 0 && complaints.length === 0)
    throw new FileError('unavailable', { message: 'The sandbox did not hand out a whole archive.' });
  for (const line of complaints) miss(line);
}

/** Folder by folder, file by file, each asked for by itself. */
async function* walk(
  source: Source,
  { path, name }: Selected,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const { envd, signal } = source;
  const start = await envd.stat(path, signal);
  const todo: { entry: Entry; path: string[] }[] = [{ entry: start, path: [name] }];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { entry, path: place } = next;
    if (entry.kind === 'file') {
      yield* readOne(source, entry, place);
      continue;
    }
    yield {
      path: place,
      kind: entry.kind === 'directory' || entry.kind === 'link' ? entry.kind : 'other',
      sizeBytes: 0,
      mode: 0o755,
      modifiedAtMs: entry.modifiedAtMs,
      linkTarget: entry.linkTarget ?? '',
      body: noBytes(),
    };
    if (entry.kind !== 'directory') continue;
    const below = await listBelow(source, entry);
    for (const child of below.reverse()) todo.push({ entry: child, path: [...place, child.name] });
  }
}

async function listBelow({ envd, signal, miss }: Source, { path }: Entry): Promise<Entry[]> {
  const entries = await orMissed(miss, path, () => envd.listDir(path, signal));
  return path === '/' ? withoutPseudo(entries ?? []) : (entries ?? []);
}

async function* readOne(
  { envd, signal, miss }: Source,
  entry: Entry,
  place: string[],
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const content = await orMissed(miss, entry.path, () => envd.readFile(entry.path, { signal }));
  if (content?.kind !== 'bytes') return;
  try {
    yield {
      path: place,
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

/** Problems of one file do not end the archive; those of the sandbox do. */
async function orMissed<T>(
  miss: Source['miss'],
  path: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!isOfOneFile(thrown)) throw thrown;
    miss(`${path}: ${SandkeeperError.from(thrown).message}`);
    return undefined;
  }
}

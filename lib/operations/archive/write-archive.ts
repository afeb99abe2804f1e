import 'server-only';
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { SandkeeperError } from '../../errors';
import { openFiles } from '../../files/browse/reader';
import { HOMES } from '../../files/guest-path';
import { LIFTED_LIMIT, openArchive } from '../../files/transfer/archive/archive';
import type { ArchiveCount } from '../../files/transfer/archive/schema';
import type { Envd } from '../../sandbox-api/envd';
import { FileError, fileProblemOf } from '../../sandbox-api/file-error';
import { type ArchivePlace, explainDisk } from './archive-place';
import { type ArchiveReading, readArchive } from './read-archive';

/** An archive that has been read again from the disk. `entries`: as `tar t` lists them. */
export type CheckedArchive = { bytes: number; entries: number; leftOut: number };

type Order = {
  sandboxId: string;
  /** Absolute, or from `~` on, which is the home of its user. */
  path: string;
  /** The most its files may amount to, bytes. */
  limitBytes: number;
  /** Ends it with its reason, wherever it is. */
  signal: AbortSignal;
  /** Hears from time to time how far it is. */
  onProgress: (progress: ArchiveProgress) => void;
};

/** Entries that were begun, and how long the archive is so far. */
export type ArchiveProgress = { entries: number; writtenBytes: number };

const PROGRESS_EVERY_MS = 1_000;
/** A sandbox that sends nothing for this long is not waited for any more: others want to be saved, too. */
const MAX_SILENCE_MS = 120_000;
const GB = 2 ** 30;

/**
 * Writes what is at and below a place of a running sandbox to the part of `place`, brings it to disk, and reads it again
 * from there: gzip and its sums, every entry, all bytes, against what was sent. Wakes nothing. Whether the part is kept
 * or dropped is up to the caller, also after a failure.
 * @throws SandkeeperError with why it cannot be had or cannot be written; FileError `gone` where the sandbox is
 * @throws the reason of `signal` once that is aborted
 */
export async function writeArchive(place: ArchivePlace, order: Order): Promise<CheckedArchive> {
  const watch = new Watch(order.onProgress);
  const signal = AbortSignal.any([order.signal, watch.signal]);
  let part: FileHandle | null = null;
  try {
    signal.throwIfAborted();
    const path = await findPlace(await openFiles(order.sandboxId), order.path, signal);
    const limit = { entries: LIFTED_LIMIT.entries, bytes: order.limitBytes };
    const { body, count } = await openArchive(order.sandboxId, {
      paths: [path],
      format: 'tar.gz',
      limit,
      signal,
    });
    watch.follow(count);
    try {
      part = await place.createPart();
      const sent = await writeAll(part, body, watch);
      watch.end();
      requireWhole(count, order.limitBytes);
      await part.sync();
      return requireSame(sent, count, await readBack(part, signal));
    } finally {
      body.destroy();
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw explainDisk(thrown);
  } finally {
    watch.end();
    await part?.close();
  }
}

/**
 * Whether the archive at `place` still is what it was when it was kept: answers what is wrong with it, for people, or
 * `null`.
 */
export async function findFault(place: ArchivePlace, kept: CheckedArchive): Promise<string | null> {
  try {
    const file = await place.openArchive();
    const { bytes, entries } = await readArchive(file).finally(() => file.close());
    if (bytes === kept.bytes && entries === kept.entries) return null;
    return `It holds ${bytes} bytes and ${entries} entries instead of ${kept.bytes} and ${kept.entries}.`;
  } catch (thrown) {
    const isMissing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    return isMissing ? 'It is not there any more.' : 'It cannot be read any more.';
  }
}

/** What a person means by `path` in this sandbox; what a link leads to, because a link alone saves nothing. */
async function findPlace(envd: Envd, path: string, signal: AbortSignal): Promise<string> {
  const isFromHome = path === '~' || path.startsWith('~/');
  const wanted = isFromHome ? `${await findHome(envd, signal)}${path.slice(1)}` : path;
  const { kind, linkTarget } = await envd.stat(wanted, signal).catch((thrown) => {
    if (fileProblemOf(thrown) !== 'vanished') throw thrown;
    throw new FileError('vanished', { message: `There is nothing at ${wanted} in it.` });
  });
  if (kind !== 'link') return wanted;
  if (linkTarget !== null) return linkTarget;
  throw new FileError('vanished', { message: `${wanted} in it leads nowhere.` });
}

async function findHome(envd: Envd, signal: AbortSignal): Promise<string> {
  for (const path of HOMES) {
    try {
      if ((await envd.stat(path, signal)).kind === 'directory') return path;
    } catch (thrown) {
      const problem = fileProblemOf(thrown);
      if (problem !== 'vanished' && problem !== 'denied') throw thrown;
    }
  }
  throw new FileError('vanished', { message: `Its user has no home at ${HOMES.join(' or ')}.` });
}

type Sent = { bytes: number; sha256: string };

/** One piece after the other: the next is asked for when the last is written, so nothing piles up. */
async function writeAll(file: FileHandle, body: AsyncIterable<Buffer>, watch: Watch): Promise<Sent> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const piece of body) {
    digest.update(piece);
    for (let at = 0; at < piece.length; ) {
      const { bytesWritten } = await file.write(piece, at, piece.length - at, bytes + at);
      at += bytesWritten;
    }
    bytes += piece.length;
    watch.noteSent(bytes);
  }
  return { bytes, sha256: digest.digest('hex') };
}

/** What was promised is all of it: a part of it is no reason to let go of the rest. */
function requireWhole({ isCut, files, leftOut }: ArchiveCount, limitBytes: number): void {
  if (isCut) {
    const most = `${Math.round((limitBytes / GB) * 1_000) / 1_000} GB or ${LIFTED_LIMIT.entries} entries`;
    throw new SandkeeperError('conflict', `It is more than an archive may hold, ${most}.`);
  }
  if (files === 0 && leftOut > 0)
    throw new SandkeeperError('conflict', 'Nothing of it can be read, or all of it is links.');
}

async function readBack(part: FileHandle, signal: AbortSignal): Promise<ArchiveReading> {
  try {
    return await readArchive(part, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw isNotSame(thrown);
  }
}

function isNotSame(cause: unknown): SandkeeperError {
  const message = 'What was written, read again, is not what was sent.';
  return new SandkeeperError('unavailable', message, { cause });
}

function requireSame(sent: Sent, count: ArchiveCount, read: ArchiveReading): CheckedArchive {
  const { files, folders, leftOut } = count;
  // What is left out is listed in a file of its own.
  const entries = files + folders + (leftOut > 0 ? 1 : 0);
  const isSame =
    read.bytes === sent.bytes &&
    read.sha256 === sent.sha256 &&
    read.entries === entries &&
    read.contentBytes === count.bytes;
  if (isSame) return { bytes: read.bytes, entries, leftOut };
  throw isNotSame(new Error(JSON.stringify({ sent, count, read })));
}

/** Tells how far it is, and ends what has gone silent. */
class Watch {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #onProgress: Order['onProgress'];
  #count: ArchiveCount | null = null;
  #seen = '';
  #seenAtMs = performance.now();
  #sentBytes = 0;

  constructor(onProgress: Order['onProgress']) {
    this.#onProgress = onProgress;
    this.#timer = setInterval(() => this.#look(), PROGRESS_EVERY_MS);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  follow(count: ArchiveCount): void {
    this.#count = count;
  }

  noteSent(bytes: number): void {
    this.#sentBytes = bytes;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#count !== null) {
      const entries = this.#count.files + this.#count.folders;
      this.#onProgress({ entries, writtenBytes: this.#sentBytes });
    }
    const seen = JSON.stringify([this.#count, this.#sentBytes]);
    if (seen !== this.#seen) this.#seenAtMs = performance.now();
    this.#seen = seen;
    if (performance.now() - this.#seenAtMs < MAX_SILENCE_MS) return;
    const message = `It has sent nothing for ${MAX_SILENCE_MS / 1_000} seconds.`;
    this.#stop.abort(new SandkeeperError('timeout', message));
  }
}

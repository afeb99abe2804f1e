import 'server-only';
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { SandkeeperError } from '../../errors';
import { openFiles } from '../../files/browse/reader';
import { HOMES } from '../../files/guest-path';
import { LIFTED_LIMIT, openArchive } from '../../files/transfer/archive/archive';
import type { ArchiveCount } from '../../files/transfer/archive/schema';
import { joinSignals } from '../../joined-signal';
import type { Envd } from '../../sandbox-api/envd';
import { FileError, fileProblemOf } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import { type ArchivePlace, explainDisk } from './archive-place';
import { type ArchiveReading, readArchive } from './read-archive';

/** An archive that was verified on disk. `entries`: as `tar t` counts them. */
export type CheckedArchive = { bytes: number; entries: number; leftOut: number };

type Order = {
  sandboxKey: SandboxKey;
  /** Absolute, or relative to `~`, the user's home directory. */
  path: string;
  limitBytes: number;
  signal: AbortSignal;
  onProgress: (progress: ArchiveProgress) => void;
};

/** Entries started, and archive bytes written. */
export type ArchiveProgress = { entries: number; writtenBytes: number };

const PROGRESS_EVERY_MS = 1_000;
/** A sandbox that sends nothing for this long gives up its slot. */
const MAX_SILENCE_MS = 120_000;
const GB = 2 ** 30;

/**
 * Writes a path of a running sandbox to the unfinished file of `place`, syncs it, reads it back and compares checksums,
 * entries and sizes with what was sent. Never wakes a sandbox. The caller keeps or drops the file, even after an error.
 * @throws SandkeeperError if it cannot be read or written; FileError `gone` if the sandbox is gone; the reason of
 * `signal`
 */
export async function writeArchive(place: ArchivePlace, order: Order): Promise<CheckedArchive> {
  const monitor = new ProgressMonitor(order.onProgress);
  const { signal, release } = joinSignals([order.signal, monitor.signal]);
  let part: FileHandle | null = null;
  try {
    signal.throwIfAborted();
    const path = await findPlace(await openFiles(order.sandboxKey), order.path, signal);
    const limit = { entries: LIFTED_LIMIT.entries, bytes: order.limitBytes };
    const { body, count } = await openArchive(order.sandboxKey, {
      paths: [path],
      format: 'tar.gz',
      limit,
      signal,
    });
    monitor.follow(count);
    try {
      part = await place.createPart();
      const sent = await writeAll(part, body, monitor);
      monitor.end();
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
    release();
    monitor.end();
    await part?.close();
  }
}

/** Describes what is wrong with a kept archive, or returns `null` if it is intact. */
export async function findFault(
  place: ArchivePlace,
  kept: CheckedArchive & { name?: string },
): Promise<string | null> {
  try {
    const file = await place.openArchive(kept.name);
    const { bytes, entries } = await readArchive(file).finally(() => file.close());
    if (bytes === kept.bytes && entries === kept.entries) return null;
    return `It holds ${bytes} bytes and ${entries} entries instead of ${kept.bytes} and ${kept.entries}.`;
  } catch (thrown) {
    const isMissing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    return isMissing ? 'It no longer exists.' : 'It can no longer be read.';
  }
}

/** Resolves `~` and a symbolic link: archiving only the link would keep no files. */
async function findPlace(envd: Envd, path: string, signal: AbortSignal): Promise<string> {
  const isFromHome = path === '~' || path.startsWith('~/');
  const wanted = isFromHome ? `${await findHome(envd, signal)}${path.slice(1)}` : path;
  const { kind, linkTarget } = await envd.stat(wanted, signal).catch((thrown) => {
    if (fileProblemOf(thrown) !== 'vanished') throw thrown;
    throw new FileError('vanished', { message: `${wanted} does not exist in the sandbox.` });
  });
  if (kind !== 'link') return wanted;
  if (linkTarget !== null) return linkTarget;
  throw new FileError('vanished', { message: `${wanted} is a broken link.` });
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
  throw new FileError('vanished', { message: `Its user has no home directory at ${HOMES.join(' or ')}.` });
}

type Sent = { bytes: number; sha256: string };

/** Writes one chunk at a time, so the sandbox sends no faster than the disk takes it. */
async function writeAll(
  file: FileHandle,
  body: AsyncIterable<Buffer>,
  monitor: ProgressMonitor,
): Promise<Sent> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const chunk of body) {
    digest.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, at, chunk.length - at, bytes + at);
      at += bytesWritten;
    }
    bytes += chunk.length;
    monitor.noteSent(bytes);
  }
  return { bytes, sha256: digest.digest('hex') };
}

/** An incomplete archive is no reason to kill the sandbox. */
function requireWhole({ isCut, files, leftOut, fault }: ArchiveCount, limitBytes: number): void {
  if (isCut) {
    const limit = `${Math.round((limitBytes / GB) * 1_000) / 1_000} GB or ${LIFTED_LIMIT.entries} entries`;
    throw new SandkeeperError('conflict', `It exceeds the limit of an archive, ${limit}.`);
  }
  if (fault !== null) throw new SandkeeperError('conflict', `Some of it could not be read. ${fault}`);
  if (files === 0 && leftOut > 0)
    throw new SandkeeperError('conflict', 'It contains only links or unreadable files.');
}

async function readBack(part: FileHandle, signal: AbortSignal): Promise<ArchiveReading> {
  try {
    return await readArchive(part, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw mismatch(thrown);
  }
}

function mismatch(cause: unknown): SandkeeperError {
  const message = 'The archive on disk does not match what the sandbox sent.';
  return new SandkeeperError('unavailable', message, { cause });
}

function requireSame(sent: Sent, count: ArchiveCount, read: ArchiveReading): CheckedArchive {
  const { files, folders, leftOut } = count;
  // Omitted files are listed in one extra file.
  const entries = files + folders + (leftOut > 0 ? 1 : 0);
  const isSame =
    read.bytes === sent.bytes &&
    read.sha256 === sent.sha256 &&
    read.entries === entries &&
    read.contentBytes === count.bytes;
  if (isSame) return { bytes: read.bytes, entries, leftOut };
  throw mismatch(new Error(JSON.stringify({ sent, count, read })));
}

/** Reports progress, and aborts if the sandbox stops sending. */
class ProgressMonitor {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #onProgress: Order['onProgress'];
  #count: ArchiveCount | null = null;
  #seen = '';
  #seenAtMs = performance.now();
  #sentBytes = 0;

  constructor(onProgress: Order['onProgress']) {
    this.#onProgress = onProgress;
    this.#timer = setInterval(() => this.#check(), PROGRESS_EVERY_MS);
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

  #check(): void {
    if (this.#count !== null) {
      const entries = this.#count.files + this.#count.folders;
      this.#onProgress({ entries, writtenBytes: this.#sentBytes });
    }
    const seen = JSON.stringify([this.#count, this.#sentBytes]);
    if (seen !== this.#seen) this.#seenAtMs = performance.now();
    this.#seen = seen;
    if (performance.now() - this.#seenAtMs < MAX_SILENCE_MS) return;
    const message = `The sandbox has sent nothing for ${MAX_SILENCE_MS / 1_000} seconds.`;
    this.#stop.abort(new SandkeeperError('timeout', message));
  }
}

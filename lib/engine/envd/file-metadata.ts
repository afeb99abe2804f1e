import type { Stats } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ApiError } from '../http';
import type { GuestRoot } from '../safe-fs/guest-root';

export type Metadata = Readonly<Record<string, string>>;

const HEADER_PREFIX = 'x-metadata-';
/** The service stores metadata as extended attributes, which are named `user.e2b.<key>`. */
const NAME_PREFIX_BYTES = 'user.e2b.'.length;
const MAX_KEY_BYTES = 255 - NAME_PREFIX_BYTES;
const MAX_TOTAL_BYTES = 4096;
const MAX_FILES = 20_000;

const Stored = z.record(z.string(), z.record(z.string(), z.string()));
const FILE = 'file-metadata.json';

/** The metadata in the headers of an upload (docs/protocol.md#envd-file-metadata). @throws ApiError 400 */
export function metadataOf(request: IncomingMessage): Metadata {
  const metadata = new Map<string, string>();
  let totalBytes = 0;
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    const key = name.startsWith(HEADER_PREFIX) ? name.slice(HEADER_PREFIX.length) : '';
    const value = values?.[0] ?? '';
    if (key === '') continue;
    if (key.length > MAX_KEY_BYTES) throw new ApiError(400, `metadata key "${key}" is too long`);
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw new ApiError(400, `metadata value for key "${key}" is not printable ASCII`);
    }
    metadata.set(key, value);
    totalBytes += NAME_PREFIX_BYTES + key.length + value.length;
  }
  if (totalBytes <= MAX_TOTAL_BYTES) return Object.fromEntries(metadata);
  throw new ApiError(400, `total metadata size ${totalBytes} exceeds ${MAX_TOTAL_BYTES} bytes`);
}

/**
 * The metadata of a sandbox's files, stored beside its root, because Node cannot set extended attributes. It belongs to the
 * file, not to its path: it survives a rename, and a copy does not have it.
 */
export class FileMetadata {
  readonly #path: string;
  readonly #loaded: Promise<Map<string, Metadata>>;
  #isDirty = false;
  #writing: Promise<void> | null = null;

  constructor({ rootDir }: GuestRoot) {
    this.#path = join(dirname(rootDir), FILE);
    this.#loaded = load(this.#path);
  }

  /** A function that returns the metadata of a file; undefined if it has none. */
  async reader(): Promise<(stat: Stats) => Metadata | undefined> {
    const all = await this.#loaded;
    return (stat) => (all.size === 0 ? undefined : all.get(identityOf(stat)));
  }

  /** Replaces the metadata of a file. Resolves when it is stored. */
  async set(stat: Stats, metadata: Metadata): Promise<void> {
    const all = await this.#loaded;
    const key = identityOf(stat);
    const isRemoved = all.delete(key);
    if (Object.keys(metadata).length > 0) all.set(key, metadata);
    else if (!isRemoved) return;
    // Removed files leave entries behind. The oldest make room.
    for (const oldest of all.keys()) {
      if (all.size <= MAX_FILES) break;
      all.delete(oldest);
    }
    this.#isDirty = true;
    this.#writing ??= this.#write(all).finally(() => {
      this.#writing = null;
    });
    await this.#writing;
  }

  async #write(all: ReadonlyMap<string, Metadata>): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      await writeFile(`${this.#path}.draft`, JSON.stringify(Object.fromEntries(all)), { mode: 0o600 });
      await rename(`${this.#path}.draft`, this.#path);
    }
  }
}

/** Carries the metadata of a directory's files over to their copies, which are other files. */
export class MetadataCopy {
  readonly #from: ReadonlyMap<string, Metadata>;
  readonly #to = new Map<string, Metadata>();

  private constructor(from: ReadonlyMap<string, Metadata>) {
    this.#from = from;
  }

  /** @param dir the directory around the root of the files */
  static async open(dir: string): Promise<MetadataCopy> {
    return new MetadataCopy(await load(join(dir, FILE)));
  }

  get isEmpty(): boolean {
    return this.#from.size === 0;
  }

  add(source: Stats, target: Stats): void {
    const metadata = this.#from.get(identityOf(source));
    if (metadata !== undefined) this.#to.set(identityOf(target), metadata);
  }

  /** Stores what the copies have beside their root. */
  async save(dir: string): Promise<void> {
    if (this.#to.size === 0) return;
    await writeFile(join(dir, FILE), JSON.stringify(Object.fromEntries(this.#to)), { mode: 0o600 });
  }
}

async function load(path: string): Promise<Map<string, Metadata>> {
  try {
    return new Map(Object.entries(Stored.parse(JSON.parse(await readFile(path, 'utf8')))));
  } catch {
    return new Map();
  }
}

/** Includes the birth time, because inode numbers are reused. */
function identityOf({ ino, birthtimeMs }: Stats): string {
  return `${ino}:${birthtimeMs}`;
}

import { safeFileName } from '../attachment';

/** What an archive is made of. Everything about it was said by a sandbox: hostile. */
export type ArchiveEntry = {
  /** Where it lies in the archive, folder by folder. */
  path: readonly string[];
  kind: 'file' | 'directory' | 'link' | 'other';
  sizeBytes: number;
  /** The nine permission bits. */
  mode: number;
  modifiedAtMs: number;
  /** What a link names. */
  linkTarget: string;
  /** Exactly `sizeBytes`, of files only. What is not read of it is skipped when the next entry is asked for. */
  body: AsyncIterable<Buffer>;
};

/** What is written into an archive: plain files and folders, whose names lead nowhere. */
export type SafeEntry = Pick<ArchiveEntry, 'sizeBytes' | 'modifiedAtMs' | 'body'> & {
  /** Relative, of safe names. */
  name: string;
  kind: 'file' | 'directory';
  isExecutable: boolean;
};

/** Nothing, for what has no bytes. */
export async function* noBytes(): AsyncGenerator<Buffer, void, undefined> {}

/** As `bytes` long as it says: for what we write ourselves. */
export async function* bytesOf(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}

/** Gives entries names under which they can be unpacked anywhere without leaving the folder or one another's place. */
export class SafeNames {
  #changed = 0;

  /** `null` where nothing of the path is left to name it by. */
  nameOf(path: readonly string[]): string | null {
    const names = path.filter((name) => name !== '' && name !== '.');
    if (names.length === 0) return null;
    const safe = names.map(safeFileName);
    // Two names may have become one: what was changed gets a number.
    if (safe.some((name, index) => name !== names[index] || name.includes('\uFFFD'))) {
      this.#changed += 1;
      safe[safe.length - 1] = `${safe.at(-1)}~${this.#changed}`;
    }
    return safe.join('/');
  }
}

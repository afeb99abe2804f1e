import { safeFileName } from '../attachment';

/** An entry as read from the sandbox. Untrusted. */
export type ArchiveEntry = {
  path: readonly string[];
  kind: 'file' | 'directory' | 'link' | 'other';
  sizeBytes: number;
  /** The nine permission bits. */
  mode: number;
  modifiedAtMs: number;
  linkTarget: string;
  /** Exactly `sizeBytes`, for files only. The unread rest is skipped before the next entry. */
  body: AsyncIterable<Buffer>;
};

/** An entry to write: a file or folder with a safe name. */
export type SafeEntry = Pick<ArchiveEntry, 'sizeBytes' | 'modifiedAtMs' | 'body'> & {
  /** A relative path of safe names. */
  name: string;
  kind: 'file' | 'directory';
  isExecutable: boolean;
};

export async function* noBytes(): AsyncGenerator<Buffer, void, undefined> {}

export async function* bytesOf(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}

/** Makes entry names safe to unpack anywhere, and keeps them unique. */
export class SafeNames {
  #changed = 0;
  /** The total length of the names in the archive. */
  bytes = 0;

  /** `null` if the path has no names. */
  nameOf(path: readonly string[]): string | null {
    const names = path.filter((name) => name !== '' && name !== '.');
    if (names.length === 0) return null;
    const safe = names.map(safeFileName);
    // Two changed names could be equal, so each gets a number.
    if (safe.some((name, index) => name !== names[index] || name.includes('\uFFFD'))) {
      this.#changed += 1;
      safe[safe.length - 1] = `${safe.at(-1)}~${this.#changed}`;
    }
    return safe.join('/');
  }
}

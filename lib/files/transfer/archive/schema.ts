/** How much goes into an archive, and how far it is while it is made. Runs anywhere. */

export type ArchiveLimit = { entries: number; bytes: number };

/** Unless somebody lifts it: nobody means to take more along by mistake. */
export const ARCHIVE_LIMIT: ArchiveLimit = { entries: 200_000, bytes: 4 * 2 ** 30 };

/** What went into an archive so far; all of it once the archive has ended. Bytes are those of the files, before packing. */
export type ArchiveCount = { files: number; folders: number; bytes: number; leftOut: number; isCut: boolean };

/** What the channel `archive` tells. `count` is `null` until it has begun; `failure` says why it broke off. */
export type ArchiveEvent =
  | { kind: 'progress'; count: ArchiveCount | null }
  | { kind: 'ended'; count: ArchiveCount | null; failure: string | null };

/** A name for one download that nobody else can guess. */
export function newArchiveToken(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

export function isArchiveToken(text: string | null): text is string {
  return text !== null && /^[0-9a-f]{32}$/.test(text);
}

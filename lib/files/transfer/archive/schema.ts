export type ArchiveLimit = { entries: number; bytes: number };

/** The default limit, which guards against mistakes. */
export const ARCHIVE_LIMIT: ArchiveLimit = { entries: 200_000, bytes: 4 * 2 ** 30 };

/**
 * The content of an archive so far. `bytes` are uncompressed. `leftOut`: entries that are missing. `fault`: why one of them
 * is missing although its kind and its permissions allow it. `isCut`: the rest is missing because of a limit.
 */
export type ArchiveCount = {
  files: number;
  folders: number;
  bytes: number;
  leftOut: number;
  fault: string | null;
  isCut: boolean;
};

/** Events of the channel `archive`. `count` is `null` until the archive has started. */
export type ArchiveEvent =
  | { kind: 'progress'; count: ArchiveCount | null }
  | { kind: 'ended'; count: ArchiveCount | null; failure: string | null };

/** An unguessable token for one download. */
export function newArchiveToken(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

export function isArchiveToken(text: string | null): text is string {
  return text !== null && /^[0-9a-f]{32}$/.test(text);
}

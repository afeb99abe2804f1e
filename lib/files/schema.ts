import { z } from 'zod';
import type { Entry, EntryKind, FileProblem } from '../sandbox/file';
import type { SandboxKey } from '../sandbox-key';

export type { Entry, EntryKind, FileProblem } from '../sandbox/file';

/** An absolute path in a sandbox. Any character but NUL is legal, and dots are not resolved. */
export const GuestPath = z
  .string()
  .min(1)
  .max(4096, 'A path has at most 4096 characters.')
  .startsWith('/', 'A path starts with "/".')
  .refine((path) => !path.includes('\0'), 'A path holds no NUL character.');
export type GuestPath = z.infer<typeof GuestPath>;

export const GuestPaths = z.array(GuestPath).min(1).max(500, 'Select at most 500 paths.');

/** Longer folders are cut. */
export const MAX_ENTRIES = 100_000;

/** The entries of a folder in the order of the sandbox. `isCut`: there are more. */
export type Listing = { path: string; entries: Entry[]; isCut: boolean };

/** How the client uses a file: as a download, from our scripts, or in an HTML element. */
export const CONTENT_USES = ['download', 'preview', 'image', 'media', 'pdf'] as const;
export type ContentUse = (typeof CONTENT_USES)[number];

/** What an upload does if the file exists. */
export const UPLOAD_CONFLICTS = ['refuse', 'replace'] as const;
export type UploadConflict = (typeof UPLOAD_CONFLICTS)[number];

export const ARCHIVE_FORMATS = ['tar.gz', 'zip'] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

/** The total of some paths and everything below them. `isCut`: counting stopped early, so there is more. */
export type FolderSize = { entries: number; bytes: number; isCut: boolean };

export const SEARCH_PLACES = ['name', 'content'] as const;
export type SearchPlace = (typeof SEARCH_PLACES)[number];

/** A search result. `line` (from 1) and `text` (the line, cut) are set for matches in contents. */
export type FileHit = {
  type: 'hit';
  path: string;
  kind: EntryKind;
  line: number | null;
  text: string | null;
  isAddressable: boolean;
};

/** How many lines of a file match, after the first of them were sent as hits. */
export type FileCount = { type: 'count'; path: string; matches: number };

/** The last line of a complete search. `cut` is why there may be more results. */
export type SearchEnd = { type: 'end'; hits: number; cut: 'count' | 'time' | null };

/** One line of a search response (NDJSON). */
export type SearchLine = FileHit | FileCount | SearchEnd;

/**
 * Events of the channel `folder`. `watching`: no change is missed from now on, so read the folder again. `changed`: these
 * names changed; an empty list means too many, so read the folder again. `ended`: no more events until you subscribe again.
 */
export type FolderEvent =
  | { kind: 'watching' }
  | { kind: 'changed'; names: string[] }
  | { kind: 'ended'; problem: FileProblem };

export function folderKey(sandboxKey: SandboxKey, path: string): string {
  return `${sandboxKey} ${path}`;
}

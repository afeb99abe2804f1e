import { z } from 'zod';
import type { Entry, EntryKind, FileProblem } from '../sandbox/guest-file';

export type { Entry, EntryKind, FileProblem } from '../sandbox/guest-file';

/** A place in a sandbox, absolute. Dots, newlines and anything else but NUL are legal: it is asked for as given. */
export const GuestPath = z
  .string()
  .min(1)
  .max(4096, 'A path has at most 4096 characters.')
  .startsWith('/', 'A path starts with "/".')
  .refine((path) => !path.includes('\0'), 'A path holds no NUL character.');
export type GuestPath = z.infer<typeof GuestPath>;

/** What a person has selected, to do one thing with all of it. */
export const GuestPaths = z.array(GuestPath).min(1).max(500, 'At most 500 places at once.');

/** The most entries of one folder that are handed out. */
export const MAX_ENTRIES = 100_000;

/** What a folder holds, in the order the sandbox told it. `isCut`: it holds more than these. */
export type Listing = { path: string; entries: Entry[]; isCut: boolean };

/** How the bytes of a file are asked for: to keep, for a script of ours, or for an element that shows them itself. */
export const CONTENT_USES = ['download', 'preview', 'image', 'media', 'pdf'] as const;
export type ContentUse = (typeof CONTENT_USES)[number];

/** What is to happen to an upload where there is a file already. */
export const UPLOAD_CONFLICTS = ['refuse', 'replace'] as const;
export type UploadConflict = (typeof UPLOAD_CONFLICTS)[number];

export const ARCHIVE_FORMATS = ['tar.gz', 'zip'] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

/** How much there is at and below some places. `isCut`: counting was given up, there is more. */
export type FolderSize = { entries: number; bytes: number; isCut: boolean };

/** What a search looks through: names of entries, or the text of files. */
export const SEARCH_PLACES = ['name', 'content'] as const;
export type SearchPlace = (typeof SEARCH_PLACES)[number];

/** One finding. `line` (from 1) and `text` (that line, cut) are there for findings in the text of a file. */
export type FileHit = {
  type: 'hit';
  path: string;
  kind: EntryKind;
  line: number | null;
  text: string | null;
  isAddressable: boolean;
};

/** The last line of every search that was not broken off; `cut` says why there may be more than was found. */
export type SearchEnd = { type: 'end'; hits: number; cut: 'count' | 'time' | null };

/** One line of the answer to a search (NDJSON). */
export type SearchLine = FileHit | SearchEnd;

/**
 * What the channel `folder` tells. `watching`: from now on nothing is missed, so what was read before is read again.
 * `changed`: these names were made, written, renamed, removed or got other permissions; no names: too many to tell, read
 * everything again. `ended`: nothing more comes until somebody asks again.
 */
export type FolderEvent =
  | { kind: 'watching' }
  | { kind: 'changed'; names: string[] }
  | { kind: 'ended'; problem: FileProblem };

/** The key of the channel `folder`. */
export function folderKey(sandboxId: string, path: string): string {
  return `${sandboxId} ${path}`;
}

/** What a name in a sandbox stands for. `device` is a block or character device; `other` nothing this version knows. */
export type EntryKind = 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device' | 'other';

/** One name in a sandbox. All of it was written by others: names hold newlines, bidi characters, anything but `/`. */
export type Entry = {
  name: string;
  /** Absolute, as it was asked for: links on the way are kept. */
  path: string;
  /** Of the name itself; a link is a link, wherever it leads. */
  kind: EntryKind;
  /** What a link leads to at its end: `nothing` where it is broken or a circle. `null` for what is no link. */
  leadsTo: 'file' | 'directory' | 'other' | 'nothing' | null;
  /** Where a link leads, resolved to its end; `null` for a broken one and for what is no link. */
  linkTarget: string | null;
  /** Of the name itself: a link's is the length of its target. */
  sizeBytes: number;
  /**
   * As Go writes a mode: `-rw-r--r--`, `drwxr-xr-x`, `Lrwxrwxrwx`, `Dcrw-rw-rw-` (docs/protocol.md#envd-entry-info).
   */
  permissions: string;
  owner: string;
  group: string;
  modifiedAtMs: number;
  /** False where the name is no valid UTF-8: it holds U+FFFD instead, so nobody can ask for it. */
  isAddressable: boolean;
};

/**
 * Why a file of a sandbox cannot be had.
 *
 * - `vanished`: there is nothing at this path; `denied`: its owner or its mode forbids it.
 * - `not_regular`: a pipe, socket or device, which must not be opened; `too_large`: more than we or it can hold.
 * - `not_running`: the sandbox is paused; `gone`: it is terminated. Both are about the sandbox, not about the file.
 * - `no_space`: the sandbox's disk is full; `unavailable`: neither the sandbox nor its service could be reached.
 */
export const FILE_PROBLEMS = [
  'vanished',
  'denied',
  'is_directory',
  'not_regular',
  'not_directory',
  'not_running',
  'gone',
  'too_large',
  'no_space',
  'unavailable',
] as const;
export type FileProblem = (typeof FILE_PROBLEMS)[number];

/** The kind of a directory entry. `device` is a block or character device; `other` is unknown to this version. */
export type EntryKind = 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device' | 'other';

/** One directory entry in a sandbox. Untrusted text: names may hold newlines, bidi characters, anything but `/`. */
export type Entry = {
  name: string;
  /** Absolute, as requested: links in it are not resolved. */
  path: string;
  /** The kind of the entry itself; links are not followed. */
  kind: EntryKind;
  /** The kind of a link's final target: `nothing` if the link is broken or circular. `null` if this is not a link. */
  leadsTo: 'file' | 'directory' | 'other' | 'nothing' | null;
  /** The resolved path of a link's final target; `null` if the link is broken or this is not a link. */
  linkTarget: string | null;
  /** The size of the entry itself: for a link, the length of its target. */
  sizeBytes: number;
  /** The mode in Go's notation: `-rw-r--r--`, `drwxr-xr-x`, `Lrwxrwxrwx` (docs/protocol.md#envd-entry-info). */
  permissions: string;
  owner: string;
  group: string;
  modifiedAtMs: number;
  /** False if the name is not valid UTF-8. Its invalid bytes are shown as U+FFFD, so the entry cannot be opened. */
  isAddressable: boolean;
};

/**
 * The reason a file operation in a sandbox failed.
 *
 * - `vanished`: nothing exists at this path. `denied`: the file's permissions forbid it.
 * - `not_regular`: a pipe, socket or device, which is never opened. `too_large`: over a limit of ours or of envd.
 * - `not_seekable`: a file that the kernel makes up as it is read, and that envd cannot send.
 * - `not_running`: the sandbox is paused. `gone`: it was terminated. Both concern the sandbox, not the file.
 * - `no_space`: the sandbox's disk is full. `unavailable`: the sandbox or its service could not be reached.
 */
export const FILE_PROBLEMS = [
  'vanished',
  'denied',
  'is_directory',
  'not_regular',
  'not_seekable',
  'not_directory',
  'not_running',
  'gone',
  'too_large',
  'no_space',
  'unavailable',
] as const;
export type FileProblem = (typeof FILE_PROBLEMS)[number];

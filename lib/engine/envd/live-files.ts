import type { Guest } from '../guests';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';

/** What a process inside the sandbox reads at a path, with the rights of its user. */
export type LiveReading = {
  readonly chunks: AsyncIterable<Buffer>;
  /** Resolves after the last chunk. `problem` is the message of a failed read. */
  readonly ended: Promise<{ readonly problem: string | null }>;
  stop(): void;
};

export type LiveEntry = {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  /** Inside the sandbox, as is `gid`. */
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  /** The final target of a link; null for a broken link and for any other entry. */
  readonly target: { readonly path: string; readonly mode: number } | null;
};

export type LivePlace = {
  readonly guest: Guest;
  readonly root: GuestRoot;
  readonly user: GuestUser;
  readonly path: string;
};

/**
 * Reads places such as `/proc` and `/dev` through a process inside the sandbox, because only such a process sees them and
 * has the right privileges.
 */
export interface LiveFiles {
  read(place: LivePlace): Promise<LiveReading>;
  /** @throws SafeFsError as for other places */
  stat(place: LivePlace): Promise<LiveEntry>;
  /** @throws SafeFsError as for other places */
  list(place: LivePlace, depth: number): Promise<LiveEntry[]>;
}

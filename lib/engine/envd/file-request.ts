import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Guest } from '../guests';
import { ApiError } from '../http';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import type { DiskAccount } from './disk-account';
import { QuotaError } from './disk-account';
import type { FileMetadata } from './file-metadata';
import { PathError, resolvePath } from './identity';
import type { LiveFiles } from './live-files';
import type { OpenWrites } from './open-writes';

export type FileRequest = {
  readonly guest: Guest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly root: GuestRoot;
  readonly user: GuestUser;
  readonly account: DiskAccount;
  readonly metadata: FileMetadata;
  readonly openWrites: OpenWrites;
  /** Reads what only a process inside can see; null if none can run. */
  readonly live: LiveFiles | null;
  /** Aborts when the transfer must stop. */
  readonly signal: AbortSignal;
};

/** Resolves the path of a request. @throws ApiError 400 */
export function filePath(path: string, user: GuestUser): string {
  try {
    return resolvePath(path, user);
  } catch (error) {
    if (error instanceof PathError) throw new ApiError(400, error.message);
    throw error;
  }
}

/** Maps a failed read or write to a response. Returns other errors unchanged. */
export function toApiError(error: unknown): unknown {
  if (error instanceof QuotaError) return new ApiError(507, error.message);
  if (!(error instanceof SafeFsError)) return error;
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ApiError(507, 'not enough disk space available');
  return new ApiError(500, error.message);
}

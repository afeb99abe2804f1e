import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../http';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import type { DiskAccount } from './disk-account';
import { QuotaError } from './disk-account';
import { PathError, resolvePath } from './identity';

export type FileRequest = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly root: GuestRoot;
  readonly user: GuestUser;
  readonly account: DiskAccount;
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
  // An impossible path is an error of the caller.
  if (code === 'ENAMETOOLONG' || code === 'EINVAL') return new ApiError(400, error.message);
  return new ApiError(500, error.message);
}

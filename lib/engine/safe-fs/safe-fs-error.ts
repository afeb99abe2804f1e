import { getSystemErrorMap } from 'node:util';

/** A failed file operation in a sandbox. Contains the path inside the sandbox, never a host path. */
export class SafeFsError extends Error {
  override name = 'SafeFsError';

  constructor(
    readonly code: string,
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(`${describe(code)}: ${path}`, options);
  }
}

/** The path leads to a place that only a process inside the sandbox can see. Nothing can be changed there from outside. */
export class LiveMountError extends SafeFsError {
  constructor(
    path: string,
    /** The absolute path with its links resolved up to the place. */
    readonly livePath: string,
  ) {
    super('EROFS', path);
  }
}

/** The system's error code, or an empty string if the error has none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** Runs `work` and rethrows system errors as a SafeFsError for `path`. */
export async function withErrorPath<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SafeFsError || !/^E[A-Z0-9]+$/.test(codeOf(error))) throw error;
    throw new SafeFsError(codeOf(error), path, { cause: error });
  }
}

const descriptions = new Map<string, string>(getSystemErrorMap().values());

function describe(code: string): string {
  return descriptions.get(code) ?? code;
}

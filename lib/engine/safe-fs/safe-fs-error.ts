import { getSystemErrorMap } from 'node:util';

/** A file operation inside a sandbox that failed. Names the path as the sandbox knows it, never one of the host. */
export class SafeFsError extends Error {
  override name = 'SafeFsError';

  constructor(
    /** `ENOENT`, `ENOTDIR` and the like. */
    readonly code: string,
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(`${describe(code)}: ${path}`, options);
  }
}

/** The system's code of any error, or an empty string. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** Runs `work`; what the system reports comes out as a SafeFsError about `path`. */
export async function aboutPath<T>(path: string, work: () => Promise<T>): Promise<T> {
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

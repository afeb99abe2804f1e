import type { ArchiveFormat, ContentUse, SearchPlace, UploadConflict } from './files/schema';
import { FILE_PROBLEMS, type FileProblem } from './sandbox/guest-file';

/** What our routes for the files of a sandbox are called, and what they say when they refuse. Runs anywhere. */

/** A refusal of one of our routes. `problem` is there where it is about the file or the sandbox. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';

  constructor(
    /** One of ours (`lib/errors.ts`), or `unreachable`: Sandkeeper itself did not answer. */
    readonly code: string,
    message: string,
    readonly problem: FileProblem | null = null,
  ) {
    super(message);
  }

  /** Wraps whatever was thrown on the way to the answer. */
  static from(thrown: unknown): ApiFailure {
    if (thrown instanceof ApiFailure) return thrown;
    return new ApiFailure('unreachable', 'Sandkeeper could not be reached.', 'unavailable');
  }
}

/** The refusal that the text of an answer is. */
export function apiFailureIn(status: number, text: string): ApiFailure {
  const { code, message, problem } = errorIn(text);
  if (typeof code !== 'string' || typeof message !== 'string')
    return new ApiFailure('unexpected', `The answer was not what it should be (${status}).`);
  return new ApiFailure(code, message, FILE_PROBLEMS.find((known) => known === problem) ?? null);
}

function errorIn(text: string): Record<string, unknown> {
  try {
    const { error } = JSON.parse(text);
    return typeof error === 'object' && error !== null ? error : {};
  } catch {
    return {};
  }
}

/** Asks one of our routes. Throws `ApiFailure`, or what the signal was aborted with. */
export async function fetchApi(address: string, signal?: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address, { cache: 'no-store', ...(signal ? { signal } : {}) });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw ApiFailure.from(thrown);
  }
  if (!answer.ok) throw apiFailureIn(answer.status, await answer.text().catch(() => ''));
  return answer;
}

type Parameter = string | readonly string[];

function address(sandboxId: string, route: string, parameters: Record<string, Parameter>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const each of [value].flat()) search.append(name, each);
  return `/api/sandboxes/${encodeURIComponent(sandboxId)}/files/${route}?${search}`;
}

/** The addresses of our routes. Paths travel in the query, never in the path. */
export const fileAddresses = {
  list: (sandboxId: string, path: string) => address(sandboxId, 'list', { path }),
  stat: (sandboxId: string, path: string) => address(sandboxId, 'stat', { path }),
  /** `version` makes an address of its own of a file that has changed: an element would show what it has. */
  content: (sandboxId: string, path: string, as: ContentUse, version?: string) =>
    address(sandboxId, 'content', { path, as, ...(version === undefined ? {} : { version }) }),
  size: (sandboxId: string, paths: readonly string[]) => address(sandboxId, 'size', { path: paths }),
  archive: (
    sandboxId: string,
    paths: readonly string[],
    { format, isUnlimited = false, token }: { format: ArchiveFormat; isUnlimited?: boolean; token?: string },
  ) =>
    address(sandboxId, 'archive', {
      path: paths,
      format,
      ...(isUnlimited ? { limit: 'none' } : {}),
      ...(token === undefined ? {} : { progress: token }),
    }),
  upload: (sandboxId: string, path: string, conflict: UploadConflict) =>
    address(sandboxId, 'content', { path, conflict }),
  search: (sandboxId: string, path: string, { text, place }: { text: string; place: SearchPlace }) =>
    address(sandboxId, 'search', { path, text, in: place }),
} as const;

import { checkPage } from './page-state';
import { FILE_PROBLEMS, type FileProblem } from './sandbox/file';

/** A failed request to one of our API routes. `problem` is set when the file or the sandbox is the cause. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';

  constructor(
    /** An `ErrorCode`, or `unreachable` when Sandkeeper did not answer. */
    readonly code: string,
    message: string,
    readonly problem: FileProblem | null = null,
  ) {
    super(message);
  }

  static from(thrown: unknown): ApiFailure {
    if (thrown instanceof ApiFailure) return thrown;
    return new ApiFailure('unreachable', 'Sandkeeper could not be reached.', 'unavailable');
  }
}

/** Parses the body of a failed response. */
export function apiFailureIn(status: number, text: string): ApiFailure {
  const { code, message, problem } = errorIn(text);
  // The service's refusal of our key has the same status.
  if (status === 401) void checkPage();
  if (typeof code !== 'string' || typeof message !== 'string')
    return new ApiFailure('unexpected', `Sandkeeper returned an invalid response (${status}).`);
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

/** Fetches one of our API routes. Throws `ApiFailure`, or the reason of `signal`. */
export async function fetchApi(address: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { cache: 'no-store', ...(signal ? { signal } : {}) });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw ApiFailure.from(thrown);
  }
  if (!response.ok) throw apiFailureIn(response.status, await response.text().catch(() => ''));
  return response;
}

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

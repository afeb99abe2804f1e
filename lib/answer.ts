import { fromJson } from './json-of';
import { checkPage, pageStatus } from './page-state';
import type { Failure, Result } from './result';

/** Like a `Failure` of the server. `outdated`: the server does not know the action, because this page is older. */
export type AnswerFailure = Omit<Failure, 'code'> & { code: Failure['code'] | 'outdated' };
export type Answer<T> = { ok: true; value: T } | { ok: false; error: AnswerFailure };

const OUTDATED: AnswerFailure = {
  code: 'outdated',
  message:
    'Sandkeeper was updated since this page was loaded, and refused the request. Reload the page and try again.',
};

/**
 * Awaits a call of a server action. `null`: no answer arrived, so it is unknown whether the server did it. An action that
 * the server does not know was refused, because the page comes from an older build. Browser only.
 */
export async function answerOf<T>(call: Promise<Result<T>>): Promise<Answer<T> | null> {
  try {
    const result = await call;
    // The service's refusal of our key has the same code.
    if (!result.ok && result.error.code === 'unauthenticated') void checkPage();
    return result.ok ? { ok: true, value: fromJson(result.value) } : result;
  } catch (thrown) {
    if (!isUnknownAction(thrown)) return null;
    pageStatus().foundOutdated();
    return { ok: false, error: OUTDATED };
  }
}

/** Whether code of the page could not be loaded: the connection was lost, or the server has another build. */
export function isMissingPart(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    (thrown.name === 'ChunkLoadError' ||
      /^(?:Failed to load chunk|Failed to fetch dynamically)/.test(thrown.message))
  );
}

/** Whether Next.js says that the server has no such action. */
export function isUnknownAction(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'UnrecognizedActionError';
}

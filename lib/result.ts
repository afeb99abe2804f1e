import { type ErrorCode, httpStatusOf, SandkeeperError } from './errors';
import { type JsonOf, jsonOf } from './json-of';
import { visibleText } from './visible-text';

/** A failed action or route, as plain data for the browser. */
export type Failure = { code: ErrorCode; message: string; retryAfterMs?: number; problem?: string };

/** The result of an action on its way to the browser. `answerOf` reads it. */
export type Result<T> = { ok: true; value: JsonOf<T> } | { ok: false; error: Failure };

/** Converts any thrown value to a `Failure`. Details of unexpected errors go to the log only. */
export function failureOf(thrown: unknown): Failure {
  const error = SandkeeperError.from(thrown);
  if (error.code === 'unexpected') console.error(error.message, error.cause);
  return {
    code: error.code,
    // It may quote a service or a sandbox.
    message: visibleText(error.message, 'block'),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.problem === undefined ? {} : { problem: error.problem }),
  };
}

/** Runs `work` and returns a `Result`. Every server action maps its errors here. */
export async function resultOf<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: jsonOf(await work()) };
  } catch (thrown) {
    rethrowNextControlFlow(thrown);
    return { ok: false, error: failureOf(thrown) };
  }
}

/** Runs `work` and returns its `Response`, or the failure as JSON `{ error }` with the matching status. */
export async function responseOf(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    rethrowNextControlFlow(thrown);
    const error = failureOf(thrown);
    const headers = new Headers({ 'cache-control': 'no-store' });
    if (error.retryAfterMs !== undefined)
      headers.set('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
    return Response.json({ error }, { status: httpStatusOf(error.code), headers });
  }
}

/** `redirect()` and `notFound()` throw errors whose digest starts with `NEXT_`. They are not failures. */
function rethrowNextControlFlow(thrown: unknown): void {
  if (!(thrown instanceof Error) || !('digest' in thrown)) return;
  if (String(thrown.digest).startsWith('NEXT_')) throw thrown;
}

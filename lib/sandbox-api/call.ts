import 'server-only';
import { outsideRequests } from '../request-context';
import { type CallContext, errorFromAnswer, errorFromShape, errorFromThrown } from './errors';

const DEADLINE_MS = 15_000;

/** What the SDK's client resolves to: the parsed body or the parsed error, and the raw response. */
type Answer = { data?: unknown; error?: unknown; response: Response };

type Schema<T> = {
  safeParse: (value: unknown) => { success: true; data: T } | { success: false; error: unknown };
};

type Options<T> = CallContext & {
  /** What the body must be; leave out where there is none. */
  schema?: Schema<T>;
  /** How long the whole call may take, in ms. */
  deadlineMs?: number;
};

/**
 * One call to the sandbox API with a deadline; its failure as one of our codes, its body parsed.
 * Answers the body and the headers, which carry the list's cursor.
 */
export async function callUpstream<T = null>(
  send: (signal: AbortSignal) => Promise<Answer>,
  { schema, deadlineMs = DEADLINE_MS, ...context }: Options<T>,
): Promise<{ body: T; headers: Headers }> {
  let answer: Answer;
  // Not `AbortSignal.timeout`, which stays behind until its time is up, once for every call.
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new DOMException('Out of time.', 'TimeoutError')),
    deadlineMs,
  );
  try {
    answer = await outsideRequests(() => send(deadline.signal));
  } catch (thrown) {
    throw errorFromThrown(thrown, context);
  } finally {
    clearTimeout(timer);
  }
  const { data, error, response } = answer;
  if (!response.ok) {
    throw errorFromAnswer(
      { status: response.status, retryAfter: response.headers.get('retry-after'), body: error },
      context,
    );
  }
  if (!schema) return { body: null as T, headers: response.headers };
  const parsed = schema.safeParse(data);
  if (!parsed.success) throw errorFromShape(parsed.error, context);
  return { body: parsed.data, headers: response.headers };
}

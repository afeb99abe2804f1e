import 'server-only';
import { config } from '../config';
import { outsideRequests } from '../request-context';
import { type CallContext, errorFromAnswer, errorFromShape, errorFromThrown } from './errors';
import { serviceClock } from './service-clock';

/** The result of the SDK's client. */
type Answer = { data?: unknown; error?: unknown; response: Response };

type Schema<T> = {
  safeParse: (value: unknown) => { success: true; data: T } | { success: false; error: unknown };
};

type Options<T> = CallContext & {
  /** The schema of the body; leave out if there is none. */
  schema?: Schema<T>;
  /** The deadline, in deadlines of a short call. */
  patience?: number;
};

/**
 * Calls the sandbox API with a deadline and parses the body. Also returns the headers, which carry the list's cursor.
 * @throws SandkeeperError
 */
export async function callUpstream<T = null>(
  send: (signal: AbortSignal) => Promise<Answer>,
  { schema, patience = 1, ...context }: Options<T>,
): Promise<{ body: T; headers: Headers }> {
  let answer: Answer;
  // `AbortSignal.timeout` would keep its timer until the deadline, even after the call has ended.
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new DOMException('Out of time.', 'TimeoutError')),
    patience * config().timing.callMs,
  );
  const sentAtMs = Date.now();
  try {
    answer = await outsideRequests(() => send(deadline.signal));
    serviceClock().observe(answer.response.headers.get('date'), sentAtMs, Date.now());
  } catch (thrown) {
    throw errorFromThrown(thrown, context);
  } finally {
    clearTimeout(timer);
  }
  const { data, error, response } = answer;
  if (!response.ok) {
    throw errorFromAnswer(
      {
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        date: response.headers.get('date'),
        body: error,
      },
      context,
    );
  }
  if (!schema) return { body: null as T, headers: response.headers };
  const parsed = schema.safeParse(data);
  if (!parsed.success) throw errorFromShape(parsed.error, context);
  return { body: parsed.data, headers: response.headers };
}

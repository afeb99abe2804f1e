import 'server-only';
import type { Dispatcher } from 'undici';
import { SandkeeperError } from '../errors';
import { outsideRequests } from '../request-context';
import type { Capability } from '../sandbox/capabilities';
import type { CapabilitySet } from './capabilities';
import { adviceOf, type Connection } from './connection';
import { type CallContext, errorFromShape, type ServiceErrors, WebPageAnswer } from './errors';
import type { ServiceClock } from './service-clock';
import { type ServiceAnswer, sendRequest } from './transport';

type Schema<T> = {
  safeParse: (value: unknown) => { success: true; data: T } | { success: false; error: unknown };
};

type Call<T> = CallContext & {
  method: 'GET' | 'POST' | 'DELETE';
  /** Begins with a slash. Its parts are encoded. */
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  body?: unknown;
  /** The schema of the answer's body; leave out if there is none. */
  schema?: Schema<T>;
  /** The deadline, in deadlines of a short call. */
  patience?: number;
  /** What the service offers with this route. Its answers teach whether it does. */
  capability?: Capability;
};

/**
 * Calls the control plane of one connection, with a deadline, and parses the body. `header` reads a header of the answer, such
 * as the list's cursor. @throws SandkeeperError
 */
export type CallService = <T = null>(call: Call<T>) => Promise<{ body: T; header: ServiceAnswer['header'] }>;

type Options = {
  connection: Connection;
  /** The deadline of a short call, ms. */
  callMs: number;
  errors: ServiceErrors;
  clock: ServiceClock;
  capabilities: CapabilitySet;
  sockets: Dispatcher;
};

export function serviceCaller({
  connection,
  callMs,
  errors,
  clock,
  capabilities,
  sockets,
}: Options): CallService {
  const { name, key } = connection;
  const baseUrl = connection.apiUrl.replace(/\/+$/, '');

  return async ({ method, path, query = {}, body, schema, patience = 1, capability, ...context }) => {
    if (key === null)
      throw new SandkeeperError(
        'unavailable',
        `The key of the connection ${name} was sealed under another secret key. ${adviceOf(connection).key}`,
      );
    const headers = { 'x-api-key': key, accept: 'application/json', 'user-agent': 'sandkeeper' };
    // `AbortSignal.timeout` would keep its timer until the deadline, even after the call has ended.
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DOMException('Out of time.', 'TimeoutError')),
      patience * callMs,
    );
    const url = `${baseUrl}${path}${queryOf(query)}`;
    const sentAtMs = Date.now();
    let answer: ServiceAnswer;
    try {
      answer = await outsideRequests(() =>
        sendRequest({ method, url, headers, body, signal: deadline.signal, connections: sockets }),
      );
    } catch (thrown) {
      throw errors.fromThrown(thrown, context);
    } finally {
      clearTimeout(timer);
    }
    const { status, header, bytes } = answer;
    clock.observe(header('date'), sentAtMs, Date.now());
    if (status < 200 || status > 299) {
      const limits = {
        retryAfter: header('retry-after'),
        remaining: header('ratelimit-remaining') ?? header('x-ratelimit-remaining'),
        reset: header('ratelimit-reset') ?? header('x-ratelimit-reset'),
        date: header('date'),
      };
      const error = errors.fromAnswer({ status, limits, body: textOrJson(bytes) }, context);
      if (capability !== undefined) capabilities.observe(capability, status, context.missing ?? 'sandbox');
      throw error;
    }
    if (capability !== undefined) capabilities.observe(capability, status, context.missing ?? 'sandbox');
    if (!schema) return { body: null as never, header };
    const parsed = schema.safeParse(jsonOf(bytes, context));
    if (!parsed.success) throw errorFromShape(parsed.error, context);
    return { body: parsed.data, header };
  };
}

/** The query with its question mark, or nothing. Values that are `undefined` are left out. */
function queryOf(query: NonNullable<Call<unknown>['query']>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}

function jsonOf(bytes: Buffer, context: CallContext): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    const isPage = /^\s*</.test(bytes.subarray(0, 100).toString('utf8'));
    throw errorFromShape(isPage ? new WebPageAnswer('It is a web page.', { cause }) : cause, context);
  }
}

function textOrJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

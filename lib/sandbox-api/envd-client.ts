import 'server-only';
import { config } from '../config';
import { type ErrorCode, SandkeeperError } from '../errors';
import { type ConnectEndpoint, type ConnectOptions, ConnectRefusal } from './connect';
import { errorFromThrown } from './errors';

/** The address and credentials of one sandbox's envd, and the error mapping that all its calls share. */
export type EnvdClient = {
  endpoint: ConnectEndpoint;
  /**
   * Maps a failure to one of our errors. If envd was unreachable, reads the sandbox's state first, because a paused or
   * killed sandbox fails the same way.
   */
  explain(thrown: unknown, doing: string): Promise<SandkeeperError>;
};

/** envd takes the user name from this header (docs/protocol.md#user-selection). The password is empty. */
export function endpointAsUser({ baseUrl, headers }: ConnectEndpoint, user: string | null): ConnectEndpoint {
  if (user === null) return { baseUrl, headers };
  return {
    baseUrl,
    headers: { ...headers, authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` },
  };
}

/** The deadline of a unary call. */
export function callOptions(signal: AbortSignal, patience = 1): ConnectOptions {
  return { signal, timeoutMs: patience * config().timing.callMs };
}

/** Runs `call` and explains its failure. */
export async function attempt<T>(client: EnvdClient, doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw await client.explain(thrown, doing);
  }
}

const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['deadline_exceeded', 'timeout'],
  ['canceled', 'timeout'],
  ['unavailable', 'unavailable'],
  ['http_502', 'unavailable'],
  ['http_503', 'unavailable'],
  ['http_504', 'timeout'],
  ['http_429', 'rate_limited'],
  ['invalid_argument', 'invalid'],
  // The sandbox's own limits of processes or memory.
  ['resource_exhausted', 'conflict'],
]);

/** Maps a failure of a call to envd to one of our errors, without asking the service. */
export function errorFromEnvd(thrown: unknown, doing: string): SandkeeperError {
  if (!(thrown instanceof ConnectRefusal)) return errorFromThrown(thrown, { doing });
  const code = CODES.get(thrown.code) ?? 'unexpected';
  // The sandbox's own text is untrusted, so it only goes to the log.
  return new SandkeeperError(code, `The sandbox did not allow ${doing}.`, { cause: thrown });
}

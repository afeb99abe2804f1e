import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import type { Capability } from '../sandbox/capabilities';
import { type ConnectEndpoint, type ConnectOptions, ConnectRefusal } from './connect';
import type { ServiceErrors } from './errors';

/** The address and credentials of one sandbox's envd, and the error mapping that all its calls share. */
export type EnvdClient = {
  endpoint: ConnectEndpoint;
  /**
   * Maps a failure to one of our errors. If envd was unreachable, reads the sandbox's state first, because a paused or
   * killed sandbox fails the same way.
   */
  explain(thrown: unknown, doing: string): Promise<SandkeeperError>;
  /** The errors of the connection. */
  errors: ServiceErrors;
  /** Takes the result of a call, `null` for a success, which tells whether sandboxes of this service have the capability. */
  observe(capability: Extract<Capability, 'files' | 'processes'>, thrown: unknown): void;
};

/** envd takes the user name from this header (docs/protocol.md#user-selection). The password is empty. */
export function endpointAsUser(endpoint: ConnectEndpoint, user: string | null): ConnectEndpoint {
  if (user === null) return endpoint;
  const authorization = `Basic ${Buffer.from(`${user}:`).toString('base64')}`;
  return { ...endpoint, headers: { ...endpoint.headers, authorization } };
}

/** The deadline of a unary call. */
export function callOptions({ callMs }: ConnectEndpoint, signal: AbortSignal, patience = 1): ConnectOptions {
  return { signal, timeoutMs: patience * callMs };
}

/** Runs a call about processes and explains its failure. */
export async function attempt<T>(client: EnvdClient, doing: string, call: () => Promise<T>): Promise<T> {
  try {
    const answer = await call();
    client.observe('processes', null);
    return answer;
  } catch (thrown) {
    client.observe('processes', thrown);
    throw await client.explain(thrown, doing);
  }
}

/** Answers of a server that does not have the route of an RPC, and of one that is no envd. */
const NO_ROUTE: ReadonlySet<string> = new Set(['unimplemented', 'http_404', 'http_405', 'http_501']);

/** Whether the failure shows that there is no such route, unlike a file or process that does not exist. */
export function lacksRoute(thrown: unknown): boolean {
  return thrown instanceof ConnectRefusal && NO_ROUTE.has(thrown.code);
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
export function errorFromEnvd(thrown: unknown, doing: string, errors: ServiceErrors): SandkeeperError {
  if (!(thrown instanceof ConnectRefusal)) return errors.fromThrown(thrown, { doing });
  const code = lacksRoute(thrown) ? 'not_offered' : (CODES.get(thrown.code) ?? 'unexpected');
  // The sandbox's own text is untrusted, so it only goes to the log.
  return new SandkeeperError(code, `The sandbox did not allow ${doing}.`, { cause: thrown });
}

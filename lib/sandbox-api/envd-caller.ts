import 'server-only';
import { type ErrorCode, SandkeeperError } from '../errors';
import { type ConnectEndpoint, type ConnectOptions, ConnectRefusal } from './connect';
import { errorFromThrown } from './errors';

/** How everything inside one sandbox is reached. */
export type EnvdCaller = {
  endpoint: ConnectEndpoint;
  /** What was thrown, in our words. Asks the service where it may be that the sandbox is no longer there. */
  explain(thrown: unknown, doing: string): Promise<SandkeeperError>;
};

const CALL_MS = 15_000;

/** For a call that is answered at once. */
export function inTime(signal: AbortSignal): ConnectOptions {
  return { signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]), timeoutMs: CALL_MS };
}

/** Runs `call`; its failure comes out explained. */
export async function attempt<T>(door: EnvdCaller, doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw await door.explain(thrown, doing);
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
  // The sandbox's own limits: of processes, of memory.
  ['resource_exhausted', 'conflict'],
]);

/** One of our errors for whatever a call to a sandbox has thrown. */
export function errorOfGuest(thrown: unknown, doing: string): SandkeeperError {
  if (!(thrown instanceof ConnectRefusal)) return errorFromThrown(thrown, { doing });
  const code = CODES.get(thrown.code) ?? 'unexpected';
  // The text is the sandbox's own: it goes to the log.
  return new SandkeeperError(code, `The sandbox did not allow ${doing}.`, { cause: thrown });
}

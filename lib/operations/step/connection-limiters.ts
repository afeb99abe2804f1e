import 'server-only';
import type { ConnectionName } from '../../sandbox-key';
import type { ConnectionHold } from '../schema';
import { RateLimiter } from './rate-limiter';

type Options = ConstructorParameters<typeof RateLimiter>[0];

/** A rate limiter for each connection, so that a slow service holds up nothing but its own sandboxes. */
export class ConnectionLimiters {
  readonly #options: Options;
  readonly #limiters = new Map<ConnectionName, RateLimiter>();

  constructor(options: Options) {
    this.#options = options;
  }

  of(name: ConnectionName): RateLimiter {
    const known = this.#limiters.get(name);
    if (known !== undefined) return known;
    const limiter = new RateLimiter(this.#options);
    this.#limiters.set(name, limiter);
    return limiter;
  }

  /** The connections to which nothing is sent for now. */
  holds(): ConnectionHold[] {
    return [...this.#limiters].flatMap(([connection, { hold }]) =>
      hold === null ? [] : { ...hold, connection },
    );
  }

  /** Forgets a connection that is no longer in use. End its waits with their signals. */
  end(name: ConnectionName): void {
    this.#limiters.delete(name);
  }
}

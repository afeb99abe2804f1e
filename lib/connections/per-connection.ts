import 'server-only';
import type { ConnectionName } from '../sandbox-key';
import { singleton } from '../singleton';
import { connections } from './registry';

/** One instance for each connection, so that connections share nothing. */
export type PerConnection<T> = {
  /** The instance of a connection. @throws SandkeeperError `not_found`, or `unavailable` if the connection is disabled */
  get(name: ConnectionName): T;
  /** The instances that exist. */
  existing(): [ConnectionName, T][];
  /** Ends all instances, when the process ends. */
  closeAll(): Promise<void>;
};

type Options<T> = {
  create: (name: ConnectionName) => T;
  /** Called when the connection is disabled, removed or replaced. */
  close: (instance: T) => void | Promise<void>;
  /** Whether a changed address or key needs another instance. */
  isReplacedOnChange?: boolean;
};

/** Creates each connection's `what` at its first use, and ends it with the connection. */
export function perConnection<T>(
  what: string,
  { create, close, isReplacedOnChange = false }: Options<T>,
): PerConnection<T> {
  const held = () =>
    singleton(`${what} of each connection`, () => {
      const instances = new Map<ConnectionName, T>();
      const end = (name: ConnectionName) => {
        const instance = instances.get(name);
        instances.delete(name);
        if (instance !== undefined) void close(instance);
      };
      connections().listen({ onEnd: end, ...(isReplacedOnChange ? { onChange: end } : {}) });
      return instances;
    });
  return {
    get(name) {
      connections().require(name);
      const instances = held();
      const known = instances.get(name);
      if (known !== undefined) return known;
      const created = create(name);
      instances.set(name, created);
      return created;
    },
    existing: () => [...held()],
    async closeAll() {
      const instances = [...held().values()];
      held().clear();
      await Promise.all(instances.map(close));
    },
  };
}

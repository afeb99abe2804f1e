import 'server-only';
import { config } from '../config';
import { perConnection } from '../connections/per-connection';
import { connections } from '../connections/registry';
import { sandboxApi } from '../sandbox-api/configured';
import { type ConnectionName, connectionOf, type SandboxKey } from '../sandbox-key';
import { FirstStarts } from './first-starts';
import { FleetWatcher } from './watcher';

/** How long a page waits for the first reading after a start. */
export const FIRST_READING_MS = 2_000;
/** While nobody looks, history still has to be true. */
const IDLE_PAUSE_MS = 60_000;

const watchers = perConnection('fleet-watcher', {
  create: (name) =>
    new FleetWatcher({
      readPage: (...request) => sandboxApi(name).listSandboxes(...request),
      readMaxRunning: () => sandboxApi(name).maxRunning(),
      readOne: (key) => sandboxApi(name).getSandbox(key),
      service: () => sandboxApi(name),
      firstStarts: new FirstStarts(name),
      idlePauseMs: IDLE_PAUSE_MS,
      ...config().timing,
    }),
  close: (watcher) => watcher.close(),
});

/** The watcher of a connection. @throws SandkeeperError `not_found`, or `unavailable` if the connection is disabled */
export function fleetWatcher(name: ConnectionName): FleetWatcher {
  return watchers.get(name);
}

/** The watcher of the connection that a sandbox is in. Throws like `fleetWatcher`. */
export function watcherOf(key: SandboxKey): FleetWatcher {
  return watchers.get(connectionOf(key));
}

/** The watchers of all connections in use, by name. */
export function fleetWatchers(): [ConnectionName, FleetWatcher][] {
  return connections()
    .enabled()
    .map((name) => [name, watchers.get(name)]);
}

/** Ends all watchers, when the process ends. */
export const closeFleetWatchers = () => watchers.closeAll();

/** Reads the lists of all connections from now on, also of those that are added later. */
export function startFleetWatchers(): void {
  const start = () => {
    for (const [, watcher] of fleetWatchers()) watcher.start();
  };
  start();
  connections().listen({ onList: start });
}

import { beforeEach, onTestFinished, vi } from 'vitest';
import type { Sandbox } from '../sandbox/schema';
import { sandboxApi } from '../sandbox-api/configured';
import type { SandboxKey } from '../sandbox-key';
import { setUpEngine } from '../test-support/environment';
import type { CrawlLimits, ReadPage } from './crawl';
import type { FleetEvent, FleetStatus } from './delta';
import { FleetWatcher } from './watcher';

/** An engine without sandboxes at the start of each test, whose expected failures are not logged. */
export function setUpEmptyEngine(): ReturnType<typeof setUpEngine> {
  const engine = setUpEngine();
  beforeEach(async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => void vi.restoreAllMocks());
    const { sandboxes } = await sandboxApi('local').listSandboxes(null);
    for (const { id } of sandboxes) await engine.call('DELETE', `/sandboxes/${id}`);
  });
  return engine;
}

type Gate = { open: () => void };

type Watched = {
  lingerMs?: number;
  readPauseMs?: number;
  limits?: Partial<CrawlLimits>;
  idlePauseMs?: number;
};

/** A watcher of the engine whose readings are recorded and can be delayed or replaced. */
export function watch({ lingerMs = 15_000, readPauseMs = 150, limits = {}, idlePauseMs }: Watched = {}) {
  const upstream = {
    calls: [] as { atMs: number; cursor: string | null }[],
    /** Replaces `listSandboxes` while it is set. */
    instead: null as ReadPage | null,
    gate: null as Promise<void> | null,
    /** The number of delayed responses. */
    held: 0,
    /** Delays every response until the gate opens. */
    hold(): Gate {
      let open = () => {};
      upstream.gate = new Promise((resolve) => {
        open = () => {
          upstream.gate = null;
          resolve();
        };
      });
      return { open };
    },
  };
  const watcher = new FleetWatcher({
    async readPage(cursor) {
      upstream.calls.push({ atMs: Date.now(), cursor });
      const page = await (upstream.instead ?? sandboxApi('local').listSandboxes)(cursor);
      upstream.held += 1;
      await upstream.gate;
      upstream.held -= 1;
      return page;
    },
    readMaxRunning: sandboxApi('local').maxRunning,
    readOne: sandboxApi('local').getSandbox,
    service: () => sandboxApi('local'),
    lingerMs,
    readPauseMs,
    limits,
    idlePauseMs: idlePauseMs ?? null,
    publishMs: 50,
  });
  onTestFinished(() => watcher.close());
  const rows = () => new Map(watcher.snapshot().sandboxes.map((sandbox) => [sandbox.key, sandbox]));
  return { watcher, upstream, rows };
}

/** Records the events of a listener, and the fleet that results from them. */
export function listen(watcher: FleetWatcher) {
  const events: FleetEvent[] = [];
  const known = new Map<SandboxKey, Sandbox>();
  let status: FleetStatus | null = null;
  const stop = watcher.listen((event) => {
    events.push(event);
    status = event.status;
    if (event.kind !== 'delta') return;
    for (const sandbox of event.delta.changed) known.set(sandbox.key, sandbox);
    for (const key of event.delta.removed) known.delete(key);
  });
  return {
    events,
    known,
    stop,
    status: () => status,
    deltas: () => events.flatMap((event) => (event.kind === 'delta' ? [event.delta] : [])),
  };
}

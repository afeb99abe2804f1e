import 'server-only';
import { randomBytes } from 'node:crypto';
import { config, type Timing } from '../config';
import { perConnection } from '../connections/per-connection';
import { connections } from '../connections/registry';
import { SandkeeperError } from '../errors';
import { failureOf } from '../result';
import type { Sandbox } from '../sandbox/schema';
import { sandboxApi } from '../sandbox-api/configured';
import type { SandboxApi } from '../sandbox-api/sandbox-api';
import { type ConnectionName, connectionOf, type SandboxKey } from '../sandbox-key';
import { type CrawlLimits, crawlFleet, endlessList, LIMITS, type ReadPage } from './crawl';
import { ChangeBatch, type FleetEvent, type FleetSnapshot, type FleetStatus, NOTHING_READ } from './delta';
import { FirstStarts } from './first-starts';
import { KnownRows } from './known-rows';
import { PageReader } from './page-reader';
import { ReadingWaiters } from './reading-waiters';

const MAX_PAUSE_MS = 10_000;
/** An endless list is read seldom, because each reading takes everything that it may. */
const ENDLESS_PAUSE_MS = 60_000;
/** Keeps reading this long after the last use, so that rows are fresh when the WebSocket of a new page connects. */
const LINGER_MS = 15_000;
/** Caps `Retry-After`, so that the list does not stay stale for longer. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;
/** An awaited reading starts once no further request has arrived for this long, so that requests share it. */
const GATHER_QUIET_MS = 20;
/** The longest delay of an awaited reading while requests keep arriving. */
const MAX_GATHER_MS = 1_000;

type Options = {
  readPage: ReadPage;
  readMaxRunning: () => Promise<number | null>;
  /** Reads one sandbox, to check what a list cannot prove. Throws `not_found` if it is gone. */
  readOne: (key: SandboxKey) => Promise<Sandbox>;
  service: () => Pick<SandboxApi, 'clock' | 'capabilities'>;
  lingerMs?: number;
  limits?: Partial<CrawlLimits>;
  firstStarts?: FirstStarts;
} & Pick<Timing, 'readPauseMs' | 'publishMs'>;

/** How many sandboxes are read before an empty list is believed. */
const MAX_PROOFS = 3;

/** How long a page waits for the first reading after a start. */
export const FIRST_READING_MS = 2_000;

/**
 * Watches the fleet of one connection for all clients: reads the list repeatedly while it is in use, keeps the rows, and publishes changes
 * to listeners. The service sees one reader for any number of listeners.
 */
export class FleetWatcher {
  readonly #options: Options;
  readonly #epoch = randomBytes(9).toString('base64url');
  readonly #listeners = new Set<(event: FleetEvent) => void>();
  readonly #batch = new ChangeBatch();
  readonly #pageReader: PageReader;
  readonly #rows: KnownRows;
  readonly #waiters = new ReadingWaiters();
  #seq = 0;
  #status: FleetStatus = NOTHING_READ;
  #neededUntilMs = 0;
  #loop: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #refreshRequested = false;
  #failures = 0;
  #publishTimer: NodeJS.Timeout | null = null;
  #soonTimer: NodeJS.Timeout | null = null;
  /** When the oldest waiter of the next reading arrived, epoch ms. */
  #gatheringSinceMs: number | null = null;
  #firstReading: Promise<void> | null = null;
  readonly #stopping = new AbortController();

  constructor(options: Options) {
    this.#options = options;
    this.#rows = new KnownRows({
      complete: (sandbox) => options.firstStarts?.complete(sandbox, Date.now()) ?? sandbox,
      onChange: (sandbox) => {
        this.#batch.change(sandbox);
        this.#publishSoon();
      },
      onRemove: (key) => {
        this.#batch.remove(key);
        this.#publishSoon();
      },
    });
    this.#pageReader = new PageReader({
      readPage: options.readPage,
      onPage: (...page) => this.#takePage(...page),
    });
  }

  /** The current state of the fleet. Does not wait; see `ready`. */
  snapshot(): FleetSnapshot {
    this.#publish();
    return { epoch: this.#epoch, seq: this.#seq, sandboxes: this.#rows.all(), status: this.#status };
  }

  /** Starts reading if necessary. Resolves after the first reading has finished or failed, or after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    this.#keepReading();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#firstReading ?? Promise.resolve(), timeout]);
    clearTimeout(timer);
  }

  /** Sends `listener` a `hello`, then every change. Returns a function that stops it. */
  listen(listener: (event: FleetEvent) => void): () => void {
    this.#publish();
    this.#listeners.add(listener);
    listener({ kind: 'hello', epoch: this.#epoch, seq: this.#seq, ...this.#stamp() });
    this.#keepReading();
    return () => {
      this.#listeners.delete(listener);
      this.#linger();
    };
  }

  /** Updates the fleet with a reading of one sandbox. `requestedAtMs` is the time of its request, epoch ms. */
  recordReading(sandbox: Sandbox, requestedAtMs: number): void {
    this.#rows.record(sandbox, requestedAtMs);
  }

  /** Whether the list of the service does not end, so that only the details of a sandbox can be relied on. */
  get isEndless(): boolean {
    return this.#status.isEndless;
  }

  /** The last reading of a sandbox in the fleet. */
  find(key: SandboxKey): Sandbox | undefined {
    return this.#rows.find(key);
  }

  /** A sandbox that left the fleet recently, and when that was noticed, epoch ms. */
  findGone(key: SandboxKey): { sandbox: Sandbox; atMs: number } | undefined {
    return this.#rows.findGone(key);
  }

  /**
   * Replaces the template with the one in the list, and adds the first start. Moru's detail of a paused sandbox names an internal snapshot template
   * without an alias (docs/protocol.md#paused-sandboxes-in-responses).
   */
  asListed(sandbox: Sandbox): Sandbox {
    return this.#rows.asListed(sandbox);
  }

  /**
   * Returns a reading of `key` requested after `sinceMs` (epoch ms), or `null` if a complete reading started after that did
   * not find it. Without such a reading, reads the page that last contained the sandbox, unless it is `expected` to be
   * gone, then the whole list. Callers share these requests. Throws the error of the reading.
   */
  async readSince(
    key: SandboxKey,
    sinceMs: number,
    expected: 'present' | 'gone' = 'present',
  ): Promise<Sandbox | null> {
    const known = this.#rows.knownSince(key, sinceMs);
    if (known !== undefined) return known;
    this.#stopping.signal.throwIfAborted();
    this.#keepReading();
    const cursor = this.#rows.cursorOf(key);
    if (expected === 'present' && cursor !== undefined && this.#failures === 0) {
      await this.#pageReader.read(cursor, sinceMs);
      const found = this.#rows.knownSince(key, sinceMs);
      if (found !== undefined) return found;
    }
    return this.#awaitReading(key, sinceMs);
  }

  #awaitReading(key: SandboxKey, sinceMs: number): Promise<Sandbox | null> {
    if (this.#stopping.signal.aborted) return Promise.reject(this.#stopping.signal.reason);
    const reading = this.#waiters.add(key, sinceMs);
    this.#keepReading();
    this.#wakeSoon();
    return reading;
  }

  /** Removes a sandbox that was just verified to be gone. */
  recordGone(key: SandboxKey): void {
    this.#rows.recordGone(key);
  }

  /** Starts the next reading at once. */
  refresh(): void {
    this.#refreshRequested = true;
    this.#wake?.();
  }

  /** Stops permanently. For tests and the end of the process. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#loop;
    this.#waiters.fail(Number.POSITIVE_INFINITY, this.#stopping.signal.reason);
    if (this.#soonTimer) clearTimeout(this.#soonTimer);
    if (this.#publishTimer) clearTimeout(this.#publishTimer);
  }

  #linger(): void {
    this.#neededUntilMs = Date.now() + (this.#options.lingerMs ?? LINGER_MS);
  }

  #keepReading(): void {
    this.#linger();
    if (this.#loop || this.#stopping.signal.aborted) return;
    let firstDone = () => {};
    this.#firstReading = new Promise((resolve) => {
      firstDone = resolve;
    });
    this.#loop = this.#runLoop(firstDone).finally(() => {
      this.#loop = null;
      // A listener may have arrived since the loop checked.
      if (this.#isNeeded()) this.#keepReading();
    });
  }

  async #runLoop(firstDone: () => void): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#isNeeded()) {
      const beganAtMs = Date.now();
      this.#refreshRequested = false;
      await this.#readOnce(beganAtMs);
      firstDone();
      // Not awaited, and after the rows: a slow database does not delay them.
      void this.#rememberStarts(beganAtMs);
      await this.#pause(this.#pauseAfter(Date.now() - beganAtMs));
    }
  }

  async #rememberStarts(beganAtMs: number): Promise<void> {
    const { firstStarts } = this.#options;
    if (firstStarts === undefined || this.#rows.wholeAtMs !== beganAtMs) return;
    if (await firstStarts.load(beganAtMs)) this.#rows.completeAll();
    await firstStarts.save((key) => this.#rows.has(key), beganAtMs);
  }

  #isNeeded(): boolean {
    return this.#listeners.size > 0 || this.#waiters.size > 0 || Date.now() < this.#neededUntilMs;
  }

  /** Pauses at least as long as the reading took, to read at most half of the time. Longer after failures. */
  #pauseAfter(tookMs: number): number {
    const pauseMs = Math.max(tookMs, this.#options.readPauseMs * Math.min(Math.max(this.#failures, 1), 4));
    if (this.#status.isEndless && this.#failures === 0) return ENDLESS_PAUSE_MS;
    const retryAfterMs = Math.min(this.#status.problem?.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
    // While waiters gather, `#wakeSoon` ends the pause.
    const isDue = this.#waiters.size > 0 && this.#soonTimer === null && this.#failures === 0;
    return Math.max(isDue ? 0 : Math.min(pauseMs, MAX_PAUSE_MS), retryAfterMs);
  }

  async #readOnce(beganAtMs: number): Promise<void> {
    try {
      if (this.#status.maxRunning === null) {
        const limit = await this.#options.readMaxRunning();
        if (limit !== null) this.#status = { ...this.#status, maxRunning: limit };
      }
      const { readPage, limits = {} } = this.#options;
      const { seen, unreadable, isEndless } = await crawlFleet({
        readPage,
        onPage: (...page) => this.#takePage(...page),
        signal: this.#stopping.signal,
        limits,
      });
      // Pages that arrived after `close` were dropped, so the reading is not complete.
      this.#stopping.signal.throwIfAborted();
      if (seen.size === 0 && !isEndless) await this.#requireEmpty(beganAtMs);
      if (isEndless) {
        this.#rows.forgetExcess(seen, limits.rows ?? LIMITS.rows);
        this.#waiters.fail(beganAtMs, endlessList());
      } else {
        this.#rows.recordWhole(seen, beganAtMs);
        this.#waiters.resolveAbsent(seen, beganAtMs);
      }
      this.#rows.pruneVerified();
      this.#failures = 0;
      if (isEndless && !this.#status.isEndless)
        console.warn(`The list does not end: read ${seen.size} rows.`);
      this.#setStatus({ ...this.#status, asOfMs: beganAtMs, problem: null, unreadable, isEndless });
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#failures += 1;
      const problem = failureOf(thrown);
      this.#waiters.fail(beganAtMs, thrown);
      if (problem.code !== this.#status.problem?.code)
        console.warn(`Could not read the fleet: ${problem.message}`);
      this.#setStatus({ ...this.#status, problem });
    }
  }

  /**
   * An empty list does not prove that every sandbox is gone: a service may list none for a while after it has restarted
   * (docs/protocol.md#proof-that-a-sandbox-is-gone). A few known ones are read. Throws if one of them exists.
   */
  async #requireEmpty(beganAtMs: number): Promise<void> {
    const missing = this.#rows.all().filter(({ key }) => this.#rows.knownSince(key, beganAtMs) === undefined);
    for (const { key } of missing.slice(0, MAX_PROOFS)) {
      try {
        await this.#options.readOne(key);
      } catch (thrown) {
        if (thrown instanceof SandkeeperError && thrown.code === 'not_found') continue;
        throw thrown;
      }
      throw new SandkeeperError(
        'unavailable',
        'The sandbox service lists no sandboxes, although some exist.',
      );
    }
  }

  #takePage(sandboxes: Sandbox[], requestedAtMs: number, cursor: string | null): void {
    if (this.#stopping.signal.aborted) return;
    for (const sandbox of sandboxes) {
      const row = this.#rows.recordListed(sandbox, requestedAtMs, cursor);
      if (row !== null) this.#waiters.resolve(sandbox.key, row, requestedAtMs);
    }
  }

  #setStatus(status: FleetStatus): void {
    const { clock, capabilities } = this.#options.service();
    this.#status = { ...status, serviceAheadMs: clock.aheadMs, lacking: capabilities.lacking() };
    if (this.#batch.isEmpty) this.#emit({ kind: 'status', ...this.#stamp() });
    else this.#publish();
  }

  #publishSoon(): void {
    this.#publishTimer ??= setTimeout(() => this.#publish(), this.#options.publishMs);
  }

  #publish(): void {
    if (this.#publishTimer) clearTimeout(this.#publishTimer);
    this.#publishTimer = null;
    if (this.#batch.isEmpty) return;
    this.#seq += 1;
    this.#emit({ kind: 'delta', delta: this.#batch.take(this.#seq), ...this.#stamp() });
  }

  #stamp(): Pick<FleetEvent, 'status' | 'sentAtMs'> {
    return { status: this.#status, sentAtMs: Date.now() };
  }

  #emit(event: FleetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Ends the pause once no further waiters arrive to share the next reading. */
  #wakeSoon(): void {
    if (this.#failures > 0) return;
    this.#gatheringSinceMs ??= Date.now();
    const maxDelayMs = this.#gatheringSinceMs + MAX_GATHER_MS - Date.now();
    if (this.#soonTimer) clearTimeout(this.#soonTimer);
    this.#soonTimer = setTimeout(
      () => {
        this.#soonTimer = null;
        this.#gatheringSinceMs = null;
        // After a failure, the full pause applies.
        if (this.#failures === 0) this.#wake?.();
      },
      Math.min(GATHER_QUIET_MS, maxDelayMs),
    );
  }

  #pause(ms: number): Promise<void> {
    if (this.#refreshRequested || this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      this.#wake = done;
      function done() {
        clearTimeout(timer);
        resolve();
      }
    });
  }
}

const watchers = perConnection('fleet-watcher', {
  create: (name) =>
    new FleetWatcher({
      readPage: (...request) => sandboxApi(name).listSandboxes(...request),
      readMaxRunning: () => sandboxApi(name).maxRunning(),
      readOne: (key) => sandboxApi(name).getSandbox(key),
      service: () => sandboxApi(name),
      firstStarts: new FirstStarts(name),
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

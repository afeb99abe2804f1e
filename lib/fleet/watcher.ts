import 'server-only';
import { randomBytes } from 'node:crypto';
import type { Timing } from '../config';
import { SandkeeperError } from '../errors';
import { failureOf } from '../result';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxApi } from '../sandbox-api/sandbox-api';
import type { SandboxKey } from '../sandbox-key';
import { type CrawlLimits, crawlFleet, endlessList, LIMITS, type ReadPage } from './crawl';
import { ChangeBatch, type FleetEvent, type FleetSnapshot, type FleetStatus, NOTHING_READ } from './delta';
import type { FirstStarts } from './first-starts';
import { KnownRows } from './known-rows';
import { PageReader } from './page-reader';
import { ReadingLoop } from './reading-loop';
import { ReadingPace } from './reading-pace';
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
  /** How often the list is read while nobody needs it, ms. `null`: not at all. */
  idlePauseMs?: number | null;
  firstStarts?: FirstStarts;
} & Pick<Timing, 'readPauseMs' | 'publishMs'>;

/** How many sandboxes are read before an empty list is believed. */
const MAX_PROOFS = 3;

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
  readonly #pace: ReadingPace;
  /** Changes of rows so far, to see whether a page or a reading has brought one. */
  #changes = 0;
  #seq = 0;
  #status: FleetStatus = NOTHING_READ;
  #lastProblem: { message: string; atMs: number } | null = null;
  readonly #loop: ReadingLoop;
  #failures = 0;
  #publishTimer: NodeJS.Timeout | null = null;
  #soonTimer: NodeJS.Timeout | null = null;
  /** When the oldest waiter of the next reading arrived, epoch ms. */
  #gatheringSinceMs: number | null = null;
  readonly #stopping = new AbortController();

  constructor(options: Options) {
    this.#options = options;
    this.#pace = new ReadingPace(options.readPauseMs);
    this.#rows = new KnownRows({
      complete: (sandbox) => options.firstStarts?.complete(sandbox, Date.now()) ?? sandbox,
      onChange: (sandbox) => {
        this.#changes += 1;
        this.#batch.change(sandbox);
        this.#publishSoon();
      },
      onRemove: (key) => {
        this.#changes += 1;
        this.#batch.remove(key);
        this.#publishSoon();
      },
    });
    this.#pageReader = new PageReader({
      readPage: options.readPage,
      onPage: (...page) => this.#takePage(...page),
    });
    this.#loop = new ReadingLoop({
      read: (beganAtMs) => this.#readAndRemember(beganAtMs),
      pauseAfter: (tookMs) => this.#pauseAfter(tookMs),
      between: () => this.#pagesBetween(),
      betweenMs: options.readPauseMs,
      isNeeded: () => this.#listeners.size > 0 || this.#waiters.size > 0,
      idlePauseMs: options.idlePauseMs ?? null,
      lingerMs: options.lingerMs ?? LINGER_MS,
    });
  }

  /** The current state of the fleet. Does not wait; see `ready`. */
  snapshot(): FleetSnapshot {
    this.#publish();
    return { epoch: this.#epoch, seq: this.#seq, sandboxes: this.#rows.all(), status: this.#status };
  }

  /** Starts reading if necessary. Resolves after the first reading has finished or failed, or after `timeoutMs`. */
  ready(timeoutMs: number): Promise<void> {
    return this.#loop.ready(timeoutMs);
  }

  /** Sends `listener` a `hello`, then every change. Returns a function that stops it. */
  listen(listener: (event: FleetEvent) => void): () => void {
    this.#publish();
    this.#listeners.add(listener);
    listener({ kind: 'hello', epoch: this.#epoch, seq: this.#seq, ...this.#stamp() });
    this.#loop.need();
    return () => {
      this.#listeners.delete(listener);
      this.#loop.linger();
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

  /** Why and when the last reading failed. It stays when readings succeed again. */
  get lastProblem(): { message: string; atMs: number } | null {
    return this.#lastProblem;
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
    this.#loop.need();
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
    this.#loop.need();
    this.#wakeSoon();
    return reading;
  }

  /** Removes a sandbox that was just verified to be gone. */
  recordGone(key: SandboxKey): void {
    this.#rows.recordGone(key);
  }

  /** Starts the next reading at once. */
  refresh(): void {
    this.#loop.refresh();
  }

  /** Stops permanently. For tests and the end of the process. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#loop.close();
    this.#waiters.fail(Number.POSITIVE_INFINITY, this.#stopping.signal.reason);
    if (this.#soonTimer) clearTimeout(this.#soonTimer);
    if (this.#publishTimer) clearTimeout(this.#publishTimer);
  }

  /** Reads the list from time to time from now on, although nobody may need it. */
  start(): void {
    this.#loop.start();
  }

  async #readAndRemember(beganAtMs: number): Promise<void> {
    await this.#readOnce(beganAtMs);
    // Not awaited, and after the rows: a slow database does not delay them.
    void this.#rememberStarts(beganAtMs);
  }

  /** Reads the pages on which changes are likely. `null` if there are none. */
  #pagesBetween(): (() => Promise<unknown>) | null {
    const pages = this.#failures === 0 && !this.#status.isEndless ? this.#pace.pagesBetween() : [];
    if (pages.length === 0) return null;
    return () => Promise.all(pages.map((cursor) => this.#pageReader.read(cursor, Date.now())));
  }

  async #rememberStarts(beganAtMs: number): Promise<void> {
    const { firstStarts } = this.#options;
    if (firstStarts === undefined || this.#rows.wholeAtMs !== beganAtMs) return;
    if (await firstStarts.load(beganAtMs)) this.#rows.completeAll();
    await firstStarts.save((key) => this.#rows.has(key), beganAtMs);
  }

  /** Longer after failures, and never shorter than the reading took. */
  #pauseAfter(tookMs: number): number {
    const failedMs = Math.max(tookMs, this.#options.readPauseMs * Math.min(this.#failures, 4));
    const pauseMs = this.#failures > 0 ? Math.min(failedMs, MAX_PAUSE_MS) : this.#pace.pauseMs;
    if (this.#status.isEndless && this.#failures === 0) return ENDLESS_PAUSE_MS;
    const retryAfterMs = Math.min(this.#status.problem?.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
    // While waiters gather, `#wakeSoon` ends the pause.
    const isDue = this.#waiters.size > 0 && this.#soonTimer === null && this.#failures === 0;
    return Math.max(isDue ? 0 : pauseMs, retryAfterMs);
  }

  async #readOnce(beganAtMs: number): Promise<void> {
    try {
      if (this.#status.maxRunning === null) {
        const limit = await this.#options.readMaxRunning();
        if (limit !== null) this.#status = { ...this.#status, maxRunning: limit };
      }
      const { readPage, limits = {} } = this.#options;
      const changesBefore = this.#changes;
      let requests = 0;
      const { seen, unreadable, isEndless } = await crawlFleet({
        readPage: (...request) => {
          requests += 1;
          return readPage(...request);
        },
        onPage: (...page) => this.#takePage(...page),
        signal: this.#stopping.signal,
        limits,
      });
      // Pages that arrived after `close` were dropped, so the reading is not complete.
      this.#stopping.signal.throwIfAborted();
      if (seen.size === 0 && !isEndless) await this.#requireEmpty(beganAtMs);
      if (isEndless) {
        this.#rows.forgetExcess(seen, limits.rows ?? LIMITS.rows);
        // No later reading can be complete either.
        this.#waiters.fail(Number.POSITIVE_INFINITY, endlessList());
      } else {
        this.#rows.recordWhole(seen, beganAtMs);
        this.#waiters.resolveAbsent(seen, beganAtMs);
      }
      this.#rows.pruneVerified();
      this.#pace.noteReading({
        requests,
        tookMs: Date.now() - beganAtMs,
        hasChanged: this.#changes > changesBefore,
      });
      this.#failures = 0;
      if (isEndless && !this.#status.isEndless)
        console.warn(`The list does not end: read ${seen.size} rows.`);
      this.#setStatus({ ...this.#status, asOfMs: beganAtMs, problem: null, unreadable, isEndless });
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#failures += 1;
      const problem = failureOf(thrown);
      this.#lastProblem = { message: problem.message, atMs: Date.now() };
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
    const changesBefore = this.#changes;
    for (const sandbox of sandboxes) {
      const row = this.#rows.recordListed(sandbox, requestedAtMs, cursor);
      if (row !== null) this.#waiters.resolve(sandbox.key, row, requestedAtMs);
    }
    this.#pace.notePage(cursor, this.#changes > changesBefore);
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
        if (this.#failures === 0) this.#loop.wake();
      },
      Math.min(GATHER_QUIET_MS, maxDelayMs),
    );
  }
}

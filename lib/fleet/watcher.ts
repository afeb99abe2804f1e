import 'server-only';
import { randomBytes } from 'node:crypto';
import { listSandboxes } from '../moru/control';
import { maxRunning } from '../moru/local-engine';
import { failureOf } from '../result';
import type { Sandbox } from '../sandbox/schema';
import { singleton } from '../singleton';
import { crawlFleet, type ReadPage } from './crawl';
import { ChangeBatch, type FleetEvent, type FleetSnapshot, type FleetStatus, sameSandbox } from './delta';

const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
const PUBLISH_EVERY_MS = 250;
/** Keeps reading this long after the last listener left, so that a page's rows are fresh when its socket arrives. */
const LINGER_MS = 15_000;
/** However long the service asks us to stay away, people should not look at a dead list for longer than this. */
const LONGEST_ABSENCE_MS = 10 * 60_000;
/** Verified news outlives any page that was asked for before it. */
const SETTLED_FOR_MS = 60_000;
const MOST_DEPARTED = 2_000;

type Options = { readPage: ReadPage; readMaxRunning: () => Promise<number | null>; lingerMs?: number };

/**
 * Watches the fleet once for everybody: reads the list over and over while somebody looks, keeps the rows, and tells
 * listeners what changed. However many listen, the service sees one reader.
 */
export class FleetWatcher {
  readonly #options: Options;
  readonly #epoch = randomBytes(9).toString('base64url');
  readonly #rows = new Map<string, Sandbox>();
  /** Ids about which we know better than pages asked for before this time: verified kills and re-reads. */
  readonly #settledAtMs = new Map<string, number>();
  /** The last ones that left, for as long as the service's history may not have heard of it. */
  readonly #departed = new Map<string, { sandbox: Sandbox; atMs: number }>();
  readonly #listeners = new Set<(event: FleetEvent) => void>();
  readonly #batch = new ChangeBatch();
  #seq = 0;
  #status: FleetStatus = { asOfMs: null, problem: null, unreadable: 0, maxRunning: null };
  #neededUntilMs = 0;
  #loop: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #refreshAsked = false;
  #failures = 0;
  #publishTimer: NodeJS.Timeout | null = null;
  #firstReading: Promise<void> | null = null;
  readonly #stopping = new AbortController();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Everything known now. Does not wait; see `ready`. */
  snapshot(): FleetSnapshot {
    this.#publish();
    return { epoch: this.#epoch, seq: this.#seq, sandboxes: [...this.#rows.values()], status: this.#status };
  }

  /** Starts reading where nobody was, and resolves after the first complete reading, its failure, or `withinMs`. */
  async ready(withinMs: number): Promise<void> {
    this.#keepReading();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#firstReading ?? Promise.resolve(), patience]);
    clearTimeout(timer);
  }

  /** Tells `listener` where the fleet stands, then every change, until the answered function is called. */
  listen(listener: (event: FleetEvent) => void): () => void {
    this.#publish();
    this.#listeners.add(listener);
    listener({ kind: 'hello', epoch: this.#epoch, seq: this.#seq, status: this.#status });
    this.#keepReading();
    return () => {
      this.#listeners.delete(listener);
      this.#linger();
    };
  }

  /** News from somebody who has just read this sandbox: spares everybody the wait for the next reading. */
  settle(sandbox: Sandbox): void {
    this.#settledAtMs.set(sandbox.id, Date.now());
    this.#take(this.asListed(sandbox));
  }

  /** The row as last read, or undefined. */
  find(id: string): Sandbox | undefined {
    return this.#rows.get(id);
  }

  /** A sandbox that was here and is gone, with when that was seen, epoch ms; undefined when that is long ago. */
  findDeparted(id: string): { sandbox: Sandbox; atMs: number } | undefined {
    return this.#departed.get(id);
  }

  /**
   * `sandbox`, with the template as the list names it. Moru's detail of a paused sandbox names an internal snapshot
   * template instead, without an alias (protocol §1.3).
   */
  asListed(sandbox: Sandbox): Sandbox {
    const row = this.#rows.get(sandbox.id);
    return row ? { ...sandbox, templateId: row.templateId, alias: row.alias } : sandbox;
  }

  /** News from somebody who has just verified that this sandbox is gone. */
  settleGone(id: string): void {
    this.#settledAtMs.set(id, Date.now());
    this.#drop(id);
  }

  /** Reads again without waiting for the next turn. */
  refresh(): void {
    this.#refreshAsked = true;
    this.#wake?.();
  }

  /** Ends reading for good; for tests and the end of the process. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#loop;
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
    this.#loop = this.#readOverAndOver(firstDone).finally(() => {
      this.#loop = null;
      // Somebody may have come between the last look round and this.
      if (this.#isNeeded()) this.#keepReading();
    });
  }

  async #readOverAndOver(firstDone: () => void): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#isNeeded()) {
      const beganAtMs = Date.now();
      this.#refreshAsked = false;
      await this.#readOnce(beganAtMs);
      firstDone();
      await this.#rest(this.#pauseAfter(Date.now() - beganAtMs));
    }
  }

  #isNeeded(): boolean {
    return this.#listeners.size > 0 || Date.now() < this.#neededUntilMs;
  }

  /** At most half of the time is spent reading, however slow the service or large the fleet; failures wait longer. */
  #pauseAfter(tookMs: number): number {
    const pauseMs = Math.max(tookMs, SHORTEST_PAUSE_MS, SHORTEST_PAUSE_MS * Math.min(this.#failures, 4));
    const askedMs = Math.min(this.#status.problem?.retryAfterMs ?? 0, LONGEST_ABSENCE_MS);
    return Math.max(Math.min(pauseMs, LONGEST_PAUSE_MS), askedMs);
  }

  async #readOnce(beganAtMs: number): Promise<void> {
    try {
      if (this.#status.maxRunning === null) {
        const limit = await this.#options.readMaxRunning();
        if (limit !== null) this.#status = { ...this.#status, maxRunning: limit };
      }
      const { seen, unreadable } = await crawlFleet({
        readPage: this.#options.readPage,
        onPage: (sandboxes, askedAtMs) => this.#takePage(sandboxes, askedAtMs),
        signal: this.#stopping.signal,
      });
      for (const id of this.#rows.keys()) {
        if (!seen.has(id) && !this.#isSettledSince(id, beganAtMs)) this.#drop(id);
      }
      this.#forgetSettled();
      this.#failures = 0;
      this.#setStatus({ ...this.#status, asOfMs: beganAtMs, problem: null, unreadable });
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#failures += 1;
      const problem = failureOf(thrown);
      if (problem.code !== this.#status.problem?.code)
        console.warn(`The fleet cannot be read: ${problem.message}`);
      this.#setStatus({ ...this.#status, problem });
    }
  }

  #takePage(sandboxes: Sandbox[], askedAtMs: number): void {
    for (const sandbox of sandboxes) {
      if (!this.#isSettledSince(sandbox.id, askedAtMs)) this.#take(sandbox);
    }
  }

  #isSettledSince(id: string, timeMs: number): boolean {
    const settledAtMs = this.#settledAtMs.get(id);
    return settledAtMs !== undefined && settledAtMs >= timeMs;
  }

  #forgetSettled(): void {
    const horizonMs = Date.now() - SETTLED_FOR_MS;
    for (const [id, atMs] of this.#settledAtMs) if (atMs < horizonMs) this.#settledAtMs.delete(id);
  }

  #take(sandbox: Sandbox): void {
    const known = this.#rows.get(sandbox.id);
    if (known && sameSandbox(known, sandbox)) return;
    this.#rows.set(sandbox.id, sandbox);
    this.#batch.change(sandbox);
    this.#publishSoon();
  }

  #drop(id: string): void {
    const sandbox = this.#rows.get(id);
    if (!sandbox) return;
    this.#rows.delete(id);
    this.#departed.set(id, { sandbox, atMs: Date.now() });
    const [oldest] = this.#departed.keys();
    if (oldest !== undefined && this.#departed.size > MOST_DEPARTED) this.#departed.delete(oldest);
    this.#batch.remove(id);
    this.#publishSoon();
  }

  #setStatus(status: FleetStatus): void {
    this.#status = status;
    if (this.#batch.isEmpty) this.#tell({ kind: 'status', status });
    else this.#publish();
  }

  #publishSoon(): void {
    this.#publishTimer ??= setTimeout(() => this.#publish(), PUBLISH_EVERY_MS);
  }

  #publish(): void {
    if (this.#publishTimer) clearTimeout(this.#publishTimer);
    this.#publishTimer = null;
    if (this.#batch.isEmpty) return;
    this.#seq += 1;
    this.#tell({ kind: 'delta', delta: this.#batch.take(this.#seq), status: this.#status });
  }

  #tell(event: FleetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #rest(ms: number): Promise<void> {
    if (this.#refreshAsked || this.#stopping.signal.aborted) return Promise.resolve();
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

/** The watcher of this process. */
export function fleetWatcher(): FleetWatcher {
  return singleton(
    'fleet-watcher',
    () => new FleetWatcher({ readPage: listSandboxes, readMaxRunning: maxRunning }),
  );
}

import 'server-only';
import { randomBytes } from 'node:crypto';
import { config, type Timing } from '../config';
import { failureOf } from '../result';
import type { Sandbox } from '../sandbox/schema';
import { listSandboxes } from '../sandbox-api/control';
import { maxRunning } from '../sandbox-api/local-engine';
import { singleton } from '../singleton';
import { crawlFleet, type ReadPage } from './crawl';
import { ChangeBatch, type FleetEvent, type FleetSnapshot, type FleetStatus, sameSandbox } from './delta';
import { PageLooks } from './page-readings';

const LONGEST_PAUSE_MS = 10_000;
/** Keeps reading this long after the last listener left, so that a page's rows are fresh when its socket arrives. */
const LINGER_MS = 15_000;
/** However long the service asks us to stay away, people should not look at a dead list for longer than this. */
const LONGEST_ABSENCE_MS = 10 * 60_000;
/** Verified news outlives any page that was asked for before it. */
const SETTLED_FOR_MS = 60_000;
const MAX_DEPARTED = 2_000;
/** A reading that somebody waits for begins when nobody else has asked for this long: all of them share it. */
const QUIET_MS = 20;
/** But it begins at the latest after this, however many still come. */
const LONGEST_GATHER_MS = 1_000;

/** Somebody who waits for a reading of one sandbox that was asked for after `sinceMs`. */
type Waiter = {
  sinceMs: number;
  resolve: (sandbox: Sandbox | null) => void;
  reject: (error: unknown) => void;
};

type Options = { readPage: ReadPage; readMaxRunning: () => Promise<number | null>; lingerMs?: number } & Pick<
  Timing,
  'readPauseMs' | 'publishMs'
>;

/** How long a page waits for the first reading after a start before it is served without one, ms. */
export const FIRST_READING_MS = 2_000;

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
  readonly #looks: PageLooks;
  /** The cursor of the page on which each row was last seen. */
  readonly #placeOf = new Map<string, string | null>();
  /** When the last reading of each row was asked for, epoch ms. */
  readonly #readAtMs = new Map<string, number>();
  /** When the last complete reading began, epoch ms. */
  #wholeAtMs = Number.NEGATIVE_INFINITY;
  /** By sandbox id. */
  readonly #waiters = new Map<string, Waiter[]>();
  #seq = 0;
  #status: FleetStatus = { asOfMs: null, problem: null, unreadable: 0, maxRunning: null };
  #neededUntilMs = 0;
  #loop: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #refreshAsked = false;
  #failures = 0;
  #publishTimer: NodeJS.Timeout | null = null;
  #soonTimer: NodeJS.Timeout | null = null;
  /** Since when somebody waits for the next reading to begin, epoch ms. */
  #gatheringSinceMs: number | null = null;
  #firstReading: Promise<void> | null = null;
  readonly #stopping = new AbortController();

  constructor(options: Options) {
    this.#options = options;
    this.#looks = new PageLooks({ readPage: options.readPage, onPage: (...page) => this.#takePage(...page) });
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

  /**
   * News from somebody who has just read this sandbox: spares everybody the wait for the next reading. `askedAtMs`: when
   * that was asked for, epoch ms, for an answer may be long on its way.
   */
  settle(sandbox: Sandbox, askedAtMs: number): void {
    if (this.#knownSince(sandbox.id, askedAtMs) !== undefined) return;
    this.#settledAtMs.set(sandbox.id, askedAtMs);
    this.#readAtMs.set(sandbox.id, askedAtMs);
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
   * template instead, without an alias (docs/protocol.md#paused-sandboxes-in-responses).
   */
  asListed(sandbox: Sandbox): Sandbox {
    const row = this.#rows.get(sandbox.id);
    return row ? { ...sandbox, templateId: row.templateId, alias: row.alias } : sandbox;
  }

  /**
   * How `id` is, by a reading asked for after `sinceMs` (epoch ms); `null` once a complete reading begun since then did
   * not find it. Where such a reading is there already, at once; else the page that showed it last is looked at first,
   * unless it is expected to be gone, which only a walk through the whole list can tell. However many ask, they share
   * pages and walks. Throws what keeps the list from being read.
   */
  async readSince(
    id: string,
    sinceMs: number,
    expected: 'there' | 'gone' = 'there',
  ): Promise<Sandbox | null> {
    const known = this.#knownSince(id, sinceMs);
    if (known !== undefined) return known;
    this.#stopping.signal.throwIfAborted();
    this.#keepReading();
    const place = this.#placeOf.get(id);
    if (expected === 'there' && place !== undefined && this.#failures === 0) {
      await this.#looks.look(place, sinceMs);
      const found = this.#knownSince(id, sinceMs);
      if (found !== undefined) return found;
    }
    return this.#awaitReading(id, sinceMs);
  }

  /** What readings asked for after `sinceMs` say; `undefined` where there is none. */
  #knownSince(id: string, sinceMs: number): Sandbox | null | undefined {
    const row = this.#rows.get(id);
    const readAtMs = row ? this.#readAtMs.get(id) : Math.max(this.#wholeAtMs, this.#settledAtMs.get(id) ?? 0);
    return readAtMs !== undefined && readAtMs > sinceMs ? (row ?? null) : undefined;
  }

  #awaitReading(id: string, sinceMs: number): Promise<Sandbox | null> {
    if (this.#stopping.signal.aborted) return Promise.reject(this.#stopping.signal.reason);
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(id) ?? [];
      waiters.push({ sinceMs, resolve, reject });
      this.#waiters.set(id, waiters);
      this.#keepReading();
      this.#wakeSoon();
    });
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
    this.#failWaiters(Number.POSITIVE_INFINITY, this.#stopping.signal.reason);
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
    return this.#listeners.size > 0 || this.#waiters.size > 0 || Date.now() < this.#neededUntilMs;
  }

  /** At most half of the time is spent reading, however slow the service or large the fleet; failures wait longer. */
  #pauseAfter(tookMs: number): number {
    const pauseMs = Math.max(tookMs, this.#options.readPauseMs * Math.min(Math.max(this.#failures, 1), 4));
    const askedMs = Math.min(this.#status.problem?.retryAfterMs ?? 0, LONGEST_ABSENCE_MS);
    // While they still gather, the rest is cut short by `#wakeSoon`.
    const isDue = this.#waiters.size > 0 && this.#soonTimer === null && this.#failures === 0;
    return Math.max(isDue ? 0 : Math.min(pauseMs, LONGEST_PAUSE_MS), askedMs);
  }

  async #readOnce(beganAtMs: number): Promise<void> {
    try {
      if (this.#status.maxRunning === null) {
        const limit = await this.#options.readMaxRunning();
        if (limit !== null) this.#status = { ...this.#status, maxRunning: limit };
      }
      const { seen, unreadable } = await crawlFleet({
        readPage: this.#options.readPage,
        onPage: (...page) => this.#takePage(...page),
        signal: this.#stopping.signal,
      });
      // What came after the end was not taken, so nothing follows from it.
      this.#stopping.signal.throwIfAborted();
      for (const id of this.#rows.keys()) {
        if (!seen.has(id) && !this.#isKnownSince(id, beganAtMs)) this.#drop(id);
      }
      this.#wholeAtMs = beganAtMs;
      this.#tellWaitersOfAbsent(seen, beganAtMs);
      this.#forgetSettled();
      this.#failures = 0;
      this.#setStatus({ ...this.#status, asOfMs: beganAtMs, problem: null, unreadable });
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#failures += 1;
      const problem = failureOf(thrown);
      this.#failWaiters(beganAtMs, thrown);
      if (problem.code !== this.#status.problem?.code)
        console.warn(`The fleet cannot be read: ${problem.message}`);
      this.#setStatus({ ...this.#status, problem });
    }
  }

  #takePage(sandboxes: Sandbox[], askedAtMs: number, cursor: string | null): void {
    if (this.#stopping.signal.aborted) return;
    for (const sandbox of sandboxes) {
      if (this.#isKnownSince(sandbox.id, askedAtMs)) continue;
      this.#readAtMs.set(sandbox.id, askedAtMs);
      this.#placeOf.set(sandbox.id, cursor);
      this.#take(sandbox);
      this.#tellWaiters(sandbox.id, sandbox, askedAtMs);
    }
  }

  /** Answers those who wait for `id` and for whom a reading asked for at `askedAtMs` is new enough. */
  #tellWaiters(id: string, sandbox: Sandbox | null, askedAtMs: number): void {
    const waiters = this.#waiters.get(id);
    if (!waiters) return;
    const later = waiters.filter(({ sinceMs }) => sinceMs >= askedAtMs);
    if (later.length === 0) this.#waiters.delete(id);
    else this.#waiters.set(id, later);
    for (const waiter of waiters) if (waiter.sinceMs < askedAtMs) waiter.resolve(sandbox);
  }

  #tellWaitersOfAbsent(seen: ReadonlySet<string>, beganAtMs: number): void {
    for (const id of [...this.#waiters.keys()]) if (!seen.has(id)) this.#tellWaiters(id, null, beganAtMs);
  }

  #failWaiters(beganAtMs: number, error: unknown): void {
    for (const [id, waiters] of [...this.#waiters]) {
      const later = waiters.filter(({ sinceMs }) => sinceMs >= beganAtMs);
      if (later.length === 0) this.#waiters.delete(id);
      else this.#waiters.set(id, later);
      for (const waiter of waiters) if (waiter.sinceMs < beganAtMs) waiter.reject(error);
    }
  }

  /** Whether a page or a walk that was asked for at `timeMs` says nothing new of it: we have looked later than that. */
  #isKnownSince(id: string, timeMs: number): boolean {
    const settledAtMs = this.#settledAtMs.get(id);
    const isSettled = settledAtMs !== undefined && settledAtMs >= timeMs;
    return isSettled || this.#knownSince(id, timeMs) !== undefined;
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
    this.#readAtMs.delete(id);
    this.#placeOf.delete(id);
    this.#departed.set(id, { sandbox, atMs: Date.now() });
    const [oldest] = this.#departed.keys();
    if (oldest !== undefined && this.#departed.size > MAX_DEPARTED) this.#departed.delete(oldest);
    this.#batch.remove(id);
    this.#publishSoon();
  }

  #setStatus(status: FleetStatus): void {
    this.#status = status;
    if (this.#batch.isEmpty) this.#tell({ kind: 'status', status });
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
    this.#tell({ kind: 'delta', delta: this.#batch.take(this.#seq), status: this.#status });
  }

  #tell(event: FleetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Cuts a rest short once nobody else comes to share the next reading. */
  #wakeSoon(): void {
    if (this.#failures > 0) return;
    this.#gatheringSinceMs ??= Date.now();
    const mostMs = this.#gatheringSinceMs + LONGEST_GATHER_MS - Date.now();
    if (this.#soonTimer) clearTimeout(this.#soonTimer);
    this.#soonTimer = setTimeout(
      () => {
        this.#soonTimer = null;
        this.#gatheringSinceMs = null;
        // Of a service that fails meanwhile we stay away for as long as that takes.
        if (this.#failures === 0) this.#wake?.();
      },
      Math.min(QUIET_MS, mostMs),
    );
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
    () => new FleetWatcher({ readPage: listSandboxes, readMaxRunning: maxRunning, ...config().timing }),
  );
}

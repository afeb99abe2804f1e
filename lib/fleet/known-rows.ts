import 'server-only';
import type { Sandbox } from '../sandbox/schema';
import { sameSandbox } from './delta';

/** Longer than any page request lasts. */
const VERIFIED_TTL_MS = 60_000;
const MAX_GONE = 2_000;

type Options = {
  /** Adds what the service does not report. */
  complete: (sandbox: Sandbox) => Sandbox;
  onChange: (sandbox: Sandbox) => void;
  onRemove: (id: string) => void;
};

/** The rows of the fleet, and how recent the reading of each is. An earlier reading never replaces a later one. */
export class KnownRows {
  readonly #options: Options;
  readonly #rows = new Map<string, Sandbox>();
  /** When single sandboxes were read or verified as gone, epoch ms. Pages requested before do not overwrite that. */
  readonly #verifiedAtMs = new Map<string, number>();
  /** The sandboxes that left the fleet most recently. */
  readonly #gone = new Map<string, { sandbox: Sandbox; atMs: number }>();
  readonly #cursorOf = new Map<string, string | null>();
  /** When the last reading of each row was requested, epoch ms. */
  readonly #readAtMs = new Map<string, number>();
  #wholeAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
  }

  all(): Sandbox[] {
    return [...this.#rows.values()];
  }

  find(id: string): Sandbox | undefined {
    return this.#rows.get(id);
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /** A sandbox that left the fleet recently, and when that was noticed, epoch ms. */
  findGone(id: string): { sandbox: Sandbox; atMs: number } | undefined {
    return this.#gone.get(id);
  }

  /** The cursor of the page that last contained the row; `undefined` if there is none. */
  cursorOf(id: string): string | null | undefined {
    return this.#cursorOf.get(id);
  }

  /** The start of the last complete reading, epoch ms. */
  get wholeAtMs(): number {
    return this.#wholeAtMs;
  }

  /** Replaces the template with the one in the list, and adds the first start. */
  asListed(sandbox: Sandbox): Sandbox {
    const row = this.#rows.get(sandbox.id);
    if (!row) return sandbox;
    const { templateId, alias, firstStartedAtMs } = row;
    return {
      ...sandbox,
      templateId,
      alias,
      ...(firstStartedAtMs === undefined ? {} : { firstStartedAtMs }),
    };
  }

  /** The result of readings requested after `sinceMs`, or `undefined` if there are none. */
  knownSince(id: string, sinceMs: number): Sandbox | null | undefined {
    const row = this.#rows.get(id);
    const readAtMs = row
      ? this.#readAtMs.get(id)
      : Math.max(this.#wholeAtMs, this.#verifiedAtMs.get(id) ?? 0);
    return readAtMs !== undefined && readAtMs > sinceMs ? (row ?? null) : undefined;
  }

  /** Records a reading of one sandbox. */
  record(sandbox: Sandbox, requestedAtMs: number): void {
    if (this.knownSince(sandbox.id, requestedAtMs) !== undefined) return;
    this.#verifiedAtMs.set(sandbox.id, requestedAtMs);
    this.#readAtMs.set(sandbox.id, requestedAtMs);
    this.#take(this.asListed(sandbox));
  }

  /** Records a sandbox on a page of the list and returns its row, or `null` if a later reading is known. */
  recordListed(sandbox: Sandbox, requestedAtMs: number, cursor: string | null): Sandbox | null {
    if (this.#isKnownSince(sandbox.id, requestedAtMs)) return null;
    this.#readAtMs.set(sandbox.id, requestedAtMs);
    this.#cursorOf.set(sandbox.id, cursor);
    this.#take(withLifecycle(sandbox, this.#rows.get(sandbox.id)));
    return this.#rows.get(sandbox.id) ?? sandbox;
  }

  /** Records the end of a complete reading: a row that it has not `seen` is gone, unless a later reading is known. */
  recordWhole(seen: ReadonlySet<string>, beganAtMs: number): void {
    for (const id of this.#rows.keys()) {
      if (!seen.has(id) && !this.#isKnownSince(id, beganAtMs)) this.#drop(id);
    }
    this.#wholeAtMs = beganAtMs;
  }

  /** Removes a sandbox that was just verified to be gone. */
  recordGone(id: string): void {
    this.#verifiedAtMs.set(id, Date.now());
    this.#drop(id);
  }

  /** Completes the rows again, after `complete` has learned more. */
  completeAll(): void {
    for (const sandbox of this.all()) this.#take(sandbox);
  }

  /** Keeps an endless list from filling the memory. The rows that go are not known to be terminated. */
  forgetExcess(seen: ReadonlySet<string>, max: number): void {
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= max) return;
      if (!seen.has(id)) this.#remove(id);
    }
  }

  pruneVerified(): void {
    const horizonMs = Date.now() - VERIFIED_TTL_MS;
    for (const [id, atMs] of this.#verifiedAtMs) if (atMs < horizonMs) this.#verifiedAtMs.delete(id);
  }

  /** Whether a later reading than one requested at `timeMs` is known, which makes that one obsolete. */
  #isKnownSince(id: string, timeMs: number): boolean {
    const verifiedAtMs = this.#verifiedAtMs.get(id);
    const isVerified = verifiedAtMs !== undefined && verifiedAtMs >= timeMs;
    return isVerified || this.knownSince(id, timeMs) !== undefined;
  }

  #take(sandbox: Sandbox): void {
    const known = this.#rows.get(sandbox.id);
    const taken = this.#options.complete(sandbox);
    if (known && sameSandbox(known, taken)) return;
    this.#rows.set(sandbox.id, taken);
    this.#options.onChange(taken);
  }

  #remove(id: string): void {
    this.#rows.delete(id);
    this.#readAtMs.delete(id);
    this.#cursorOf.delete(id);
    this.#options.onRemove(id);
  }

  #drop(id: string): void {
    const sandbox = this.#rows.get(id);
    if (!sandbox) return;
    this.#remove(id);
    this.#gone.set(id, { sandbox, atMs: Date.now() });
    const [oldest] = this.#gone.keys();
    if (oldest !== undefined && this.#gone.size > MAX_GONE) this.#gone.delete(oldest);
  }
}

/** The list does not say what happens at the deadline. The details of the same lifetime did. */
function withLifecycle(listed: Sandbox, known: Sandbox | undefined): Sandbox {
  if (listed.lifecycle !== undefined || known?.lifecycle === undefined) return listed;
  return known.startedAtMs === listed.startedAtMs ? { ...listed, lifecycle: known.lifecycle } : listed;
}

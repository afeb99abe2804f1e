import 'server-only';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';
import { sameSandbox } from './delta';

/** Longer than any page request lasts. */
const VERIFIED_TTL_MS = 60_000;
const MAX_GONE = 2_000;

type Options = {
  /** Adds what the service does not report. */
  complete: (sandbox: Sandbox) => Sandbox;
  onChange: (sandbox: Sandbox) => void;
  onRemove: (key: SandboxKey) => void;
};

/** The rows of the fleet, and how recent the reading of each is. An earlier reading never replaces a later one. */
export class KnownRows {
  readonly #options: Options;
  readonly #rows = new Map<SandboxKey, Sandbox>();
  /** When single sandboxes were read or verified as gone, epoch ms. Pages requested before do not overwrite that. */
  readonly #verifiedAtMs = new Map<SandboxKey, number>();
  /** The sandboxes that left the fleet most recently. */
  readonly #gone = new Map<SandboxKey, { sandbox: Sandbox; atMs: number }>();
  readonly #cursorOf = new Map<SandboxKey, string | null>();
  /** When the last reading of each row was requested, epoch ms. */
  readonly #readAtMs = new Map<SandboxKey, number>();
  #wholeAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
  }

  all(): Sandbox[] {
    return [...this.#rows.values()];
  }

  find(key: SandboxKey): Sandbox | undefined {
    return this.#rows.get(key);
  }

  has(key: SandboxKey): boolean {
    return this.#rows.has(key);
  }

  /** A sandbox that left the fleet recently, and when that was noticed, epoch ms. */
  findGone(key: SandboxKey): { sandbox: Sandbox; atMs: number } | undefined {
    return this.#gone.get(key);
  }

  /** The cursor of the page that last contained the row; `undefined` if there is none. */
  cursorOf(key: SandboxKey): string | null | undefined {
    return this.#cursorOf.get(key);
  }

  /** The start of the last complete reading, epoch ms. */
  get wholeAtMs(): number {
    return this.#wholeAtMs;
  }

  /** Replaces the template with the one in the list, and adds the first start. */
  asListed(sandbox: Sandbox): Sandbox {
    const row = this.#rows.get(sandbox.key);
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
  knownSince(key: SandboxKey, sinceMs: number): Sandbox | null | undefined {
    const row = this.#rows.get(key);
    const readAtMs = row
      ? this.#readAtMs.get(key)
      : Math.max(this.#wholeAtMs, this.#verifiedAtMs.get(key) ?? 0);
    return readAtMs !== undefined && readAtMs > sinceMs ? (row ?? null) : undefined;
  }

  /** Records a reading of one sandbox. */
  record(sandbox: Sandbox, requestedAtMs: number): void {
    if (this.knownSince(sandbox.key, requestedAtMs) !== undefined) return;
    this.#verifiedAtMs.set(sandbox.key, requestedAtMs);
    this.#readAtMs.set(sandbox.key, requestedAtMs);
    this.#take(this.asListed(sandbox));
  }

  /** Records a sandbox on a page of the list and returns its row, or `null` if a later reading is known. */
  recordListed(sandbox: Sandbox, requestedAtMs: number, cursor: string | null): Sandbox | null {
    if (this.#isKnownSince(sandbox.key, requestedAtMs)) return null;
    this.#readAtMs.set(sandbox.key, requestedAtMs);
    this.#cursorOf.set(sandbox.key, cursor);
    this.#take(withLifecycle(sandbox, this.#rows.get(sandbox.key)));
    return this.#rows.get(sandbox.key) ?? sandbox;
  }

  /** Records the end of a complete reading: a row that it has not `seen` is gone, unless a later reading is known. */
  recordWhole(seen: ReadonlySet<SandboxKey>, beganAtMs: number): void {
    for (const key of this.#rows.keys()) {
      if (!seen.has(key) && !this.#isKnownSince(key, beganAtMs)) this.#drop(key);
    }
    this.#wholeAtMs = beganAtMs;
  }

  /** Removes a sandbox that was just verified to be gone. */
  recordGone(key: SandboxKey): void {
    this.#verifiedAtMs.set(key, Date.now());
    this.#drop(key);
  }

  /** Completes the rows again, after `complete` has learned more. */
  completeAll(): void {
    for (const sandbox of this.all()) this.#take(sandbox);
  }

  /** Keeps an endless list from filling the memory. The rows that go are not known to be terminated. */
  forgetExcess(seen: ReadonlySet<SandboxKey>, max: number): void {
    for (const key of this.#rows.keys()) {
      if (this.#rows.size <= max) return;
      if (!seen.has(key)) this.#remove(key);
    }
  }

  pruneVerified(): void {
    const horizonMs = Date.now() - VERIFIED_TTL_MS;
    for (const [key, atMs] of this.#verifiedAtMs) if (atMs < horizonMs) this.#verifiedAtMs.delete(key);
  }

  /** Whether a later reading than one requested at `timeMs` is known, which makes that one obsolete. */
  #isKnownSince(key: SandboxKey, timeMs: number): boolean {
    const verifiedAtMs = this.#verifiedAtMs.get(key);
    const isVerified = verifiedAtMs !== undefined && verifiedAtMs >= timeMs;
    return isVerified || this.knownSince(key, timeMs) !== undefined;
  }

  #take(sandbox: Sandbox): void {
    const known = this.#rows.get(sandbox.key);
    const taken = this.#options.complete(sandbox);
    if (known && sameSandbox(known, taken)) return;
    this.#rows.set(sandbox.key, taken);
    this.#options.onChange(taken);
  }

  #remove(key: SandboxKey): void {
    this.#rows.delete(key);
    this.#readAtMs.delete(key);
    this.#cursorOf.delete(key);
    this.#options.onRemove(key);
  }

  #drop(key: SandboxKey): void {
    const sandbox = this.#rows.get(key);
    if (!sandbox) return;
    this.#remove(key);
    this.#gone.set(key, { sandbox, atMs: Date.now() });
    const [oldest] = this.#gone.keys();
    if (oldest !== undefined && this.#gone.size > MAX_GONE) this.#gone.delete(oldest);
  }
}

/** The list does not say what happens at the deadline. The details of the same lifetime did. */
function withLifecycle(listed: Sandbox, known: Sandbox | undefined): Sandbox {
  if (listed.lifecycle !== undefined || known?.lifecycle === undefined) return listed;
  return known.startedAtMs === listed.startedAtMs ? { ...listed, lifecycle: known.lifecycle } : listed;
}

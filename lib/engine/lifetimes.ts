import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { SortedIndex } from './sorted-index';

const MAX_ENDED = 10_000;
/** Lines that may pile up in the file before it is written anew. */
const MAX_STALE_LINES = 50_000;

export const LifetimeStatus = z.enum(['running', 'paused', 'stopped']);
export type LifetimeStatus = z.infer<typeof LifetimeStatus>;

/** One row of the history: a sandbox from its creation to its end (docs/protocol.md#sandbox-runs). */
export const Lifetime = z.object({
  sandboxId: z.string(),
  templateId: z.string(),
  alias: z.string().optional(),
  status: LifetimeStatus,
  /** Unix microseconds, unique: paging by it must not lose rows. */
  createdAtUs: z.number(),
  endReason: z.enum(['killed', 'timeout', 'error', 'shutdown']).optional(),
  endedAtMs: z.number().optional(),
});
export type Lifetime = Readonly<z.infer<typeof Lifetime>>;
export type EndReason = NonNullable<Lifetime['endReason']>;

/**
 * History of sandboxes including ended ones, one row a sandbox: a file to which every change is appended, the last
 * line of a sandbox counts. Quirks kept (docs/protocol.md#sandbox-runs): killing a *paused* sandbox leaves its row
 * `paused`, a resume does not clear how an earlier run ended.
 */
export class Lifetimes {
  readonly #path: string;
  readonly #rows = new Map<string, Lifetime>();
  readonly #order = new SortedIndex<{ createdAtUs: number }>((a, b) => a.createdAtUs - b.createdAtUs);
  readonly #byTime = new Map<number, string>();
  /** Sandboxes that are gone, oldest end first. */
  readonly #gone = new Set<string>();
  #lines = 0;
  /** Kept open: a line is written for each step of each sandbox. */
  #file: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the file. `isAlive` tells which sandboxes there still are; unreadable lines are skipped and counted. */
  load(isAlive: (id: string) => boolean): { skippedLines: number } {
    let skippedLines = 0;
    const text = existsSync(this.#path) ? readFileSync(this.#path, 'utf8') : '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const lifetime = parseLifetime(line);
      if (lifetime === null) skippedLines += 1;
      else this.#keep(lifetime);
    }
    for (const { sandboxId } of [...this.#rows.values()]) {
      if (isAlive(sandboxId)) continue;
      this.#gone.add(sandboxId);
      // The engine was killed before it could write down how this one ended.
      this.stopped(sandboxId, 'error');
    }
    this.#trim();
    this.#compact();
    return { skippedLines };
  }

  get(id: string): Lifetime | undefined {
    return this.#rows.get(id);
  }

  created(sandbox: {
    id: string;
    templateId: string;
    alias?: string | undefined;
    createdAtMs: number;
  }): void {
    let createdAtUs = sandbox.createdAtMs * 1000;
    // Sandboxes of one millisecond get different microseconds.
    while (this.#byTime.has(createdAtUs)) createdAtUs += 1;
    const { id: sandboxId, templateId, alias } = sandbox;
    this.#write({
      sandboxId,
      templateId,
      ...(alias === undefined ? {} : { alias }),
      status: 'running',
      createdAtUs,
    });
  }

  paused(id: string): void {
    this.#change(id, { status: 'paused' });
  }

  resumed(id: string): void {
    this.#change(id, { status: 'running' });
  }

  /** A run ended. No-op unless the row says `running`: that is the quirk of the killed paused sandbox. */
  stopped(id: string, endReason: EndReason): void {
    if (this.#rows.get(id)?.status !== 'running') return;
    this.#change(id, { status: 'stopped', endReason, endedAtMs: Date.now() });
  }

  /** The sandbox is gone for good: from here on its row counts towards the bound. */
  released(id: string): void {
    if (this.#rows.has(id)) this.#gone.add(id);
    this.#trim();
  }

  /** Newest first, strictly before `beforeUs`. */
  *newest(beforeUs?: number): Generator<Lifetime> {
    const bound = beforeUs === undefined ? undefined : { createdAtUs: beforeUs };
    for (const { createdAtUs } of this.#order.backwards(bound)) {
      const lifetime = this.#rows.get(this.#byTime.get(createdAtUs) ?? '');
      if (lifetime !== undefined) yield lifetime;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #change(id: string, patch: Partial<Lifetime>): void {
    const lifetime = this.#rows.get(id);
    if (lifetime !== undefined) this.#write({ ...lifetime, ...patch });
  }

  #write(lifetime: Lifetime): void {
    this.#keep(lifetime);
    this.#file ??= openSync(this.#path, 'a', 0o600);
    writeSync(this.#file, `${JSON.stringify(lifetime)}\n`);
    this.#lines += 1;
    if (this.#lines > this.#rows.size + MAX_STALE_LINES) this.#compact();
  }

  #keep(lifetime: Lifetime): void {
    if (!this.#rows.has(lifetime.sandboxId)) {
      this.#order.add({ createdAtUs: lifetime.createdAtUs });
      this.#byTime.set(lifetime.createdAtUs, lifetime.sandboxId);
    }
    this.#rows.set(lifetime.sandboxId, lifetime);
  }

  #trim(): void {
    for (const id of this.#gone) {
      if (this.#gone.size <= MAX_ENDED) return;
      const lifetime = this.#rows.get(id);
      this.#gone.delete(id);
      this.#rows.delete(id);
      if (lifetime === undefined) continue;
      this.#order.remove(lifetime);
      this.#byTime.delete(lifetime.createdAtUs);
    }
  }

  #compact(): void {
    const beside = `${this.#path}.tmp`;
    writeFileSync(
      beside,
      [...this.#rows.values()].map((lifetime) => `${JSON.stringify(lifetime)}\n`).join(''),
      {
        mode: 0o600,
      },
    );
    this.close();
    renameSync(beside, this.#path);
    this.#lines = this.#rows.size;
  }
}

function parseLifetime(line: string): Lifetime | null {
  try {
    return Lifetime.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { SortedIndex } from './sorted-index';

const MAX_REMOVED = 10_000;
/** Outdated lines in the file before it is rewritten. */
const MAX_STALE_LINES = 50_000;

export const LifetimeStatus = z.enum(['running', 'paused', 'stopped']);
export type LifetimeStatus = z.infer<typeof LifetimeStatus>;

/** A sandbox from its creation to its end: `SandboxRun` of docs/protocol.md#sandboxrun-schema. */
export const Lifetime = z.object({
  sandboxId: z.string(),
  templateId: z.string(),
  alias: z.string().optional(),
  status: LifetimeStatus,
  /** Unix microseconds, unique because pages are cut by it. */
  createdAtUs: z.number(),
  endReason: z.enum(['killed', 'timeout', 'error', 'shutdown']).optional(),
  endedAtMs: z.number().optional(),
});
export type Lifetime = Readonly<z.infer<typeof Lifetime>>;
export type EndReason = NonNullable<Lifetime['endReason']>;

/**
 * The history of all sandboxes, in a file to which every change is appended; the last line of a sandbox counts. Like
 * the service, it leaves a sandbox that is killed while paused at `paused`, and a resume keeps an earlier end
 * (docs/protocol.md#sandbox-runs).
 */
export class Lifetimes {
  readonly #path: string;
  readonly #rows = new Map<string, Lifetime>();
  readonly #order = new SortedIndex<{ createdAtUs: number }>((a, b) => a.createdAtUs - b.createdAtUs);
  readonly #idByTime = new Map<number, string>();
  /** Sandboxes that no longer exist, oldest end first. */
  readonly #removed = new Set<string>();
  #lines = 0;
  #file: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the file, skipping unreadable lines. `isAlive` tells whether a sandbox still exists. */
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
      this.#removed.add(sandboxId);
      // The engine was killed before it recorded this end.
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
    // Sandboxes created in the same millisecond get different microseconds.
    while (this.#idByTime.has(createdAtUs)) createdAtUs += 1;
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

  /** Ignores a sandbox that is not running, like the service. */
  stopped(id: string, endReason: EndReason): void {
    if (this.#rows.get(id)?.status !== 'running') return;
    this.#change(id, { status: 'stopped', endReason, endedAtMs: Date.now() });
  }

  /** The sandbox no longer exists. Its row is kept up to a limit. */
  removed(id: string): void {
    if (this.#rows.has(id)) this.#removed.add(id);
    this.#trim();
  }

  /** Newest first, strictly before `beforeUs`. */
  *newest(beforeUs?: number): Generator<Lifetime> {
    const bound = beforeUs === undefined ? undefined : { createdAtUs: beforeUs };
    for (const { createdAtUs } of this.#order.backwards(bound)) {
      const lifetime = this.#rows.get(this.#idByTime.get(createdAtUs) ?? '');
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
      this.#idByTime.set(lifetime.createdAtUs, lifetime.sandboxId);
    }
    this.#rows.set(lifetime.sandboxId, lifetime);
  }

  #trim(): void {
    for (const id of this.#removed) {
      if (this.#removed.size <= MAX_REMOVED) return;
      const lifetime = this.#rows.get(id);
      this.#removed.delete(id);
      this.#rows.delete(id);
      if (lifetime === undefined) continue;
      this.#order.remove(lifetime);
      this.#idByTime.delete(lifetime.createdAtUs);
    }
  }

  #compact(): void {
    const temporary = `${this.#path}.tmp`;
    writeFileSync(
      temporary,
      [...this.#rows.values()].map((lifetime) => `${JSON.stringify(lifetime)}\n`).join(''),
      {
        mode: 0o600,
      },
    );
    this.close();
    renameSync(temporary, this.#path);
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

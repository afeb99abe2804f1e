import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { SortedIndex } from './sorted-index';

const MAX_ENDED_RUNS = 10_000;
/** Lines that may pile up in the file before it is written anew. */
const MAX_STALE_LINES = 50_000;

export const RunStatus = z.enum(['running', 'paused', 'stopped']);
export type RunStatus = z.infer<typeof RunStatus>;

/** One row of the history: a sandbox from its creation to its end (docs/protocol.md#sandbox-runs). */
export const Run = z.object({
  sandboxId: z.string(),
  templateId: z.string(),
  alias: z.string().optional(),
  status: RunStatus,
  /** Unix microseconds, unique: paging by it must not lose rows. */
  createdAtUs: z.number(),
  endReason: z.enum(['killed', 'timeout', 'error', 'shutdown']).optional(),
  endedAtMs: z.number().optional(),
});
export type Run = Readonly<z.infer<typeof Run>>;
export type EndReason = NonNullable<Run['endReason']>;

/**
 * History of sandboxes including ended ones, one row a sandbox: a file to which every change is appended, the last
 * line of a sandbox counts. Quirks kept (docs/protocol.md#sandbox-runs): killing a *paused* sandbox leaves its row
 * `paused`, a resume does not clear how an earlier run ended.
 */
export class Runs {
  readonly #path: string;
  readonly #rows = new Map<string, Run>();
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
      const run = parseRun(line);
      if (run === null) skippedLines += 1;
      else this.#keep(run);
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

  get(id: string): Run | undefined {
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
  *newest(beforeUs?: number): Generator<Run> {
    const bound = beforeUs === undefined ? undefined : { createdAtUs: beforeUs };
    for (const { createdAtUs } of this.#order.backwards(bound)) {
      const run = this.#rows.get(this.#byTime.get(createdAtUs) ?? '');
      if (run !== undefined) yield run;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #change(id: string, patch: Partial<Run>): void {
    const run = this.#rows.get(id);
    if (run !== undefined) this.#write({ ...run, ...patch });
  }

  #write(run: Run): void {
    this.#keep(run);
    this.#file ??= openSync(this.#path, 'a', 0o600);
    writeSync(this.#file, `${JSON.stringify(run)}\n`);
    this.#lines += 1;
    if (this.#lines > this.#rows.size + MAX_STALE_LINES) this.#compact();
  }

  #keep(run: Run): void {
    if (!this.#rows.has(run.sandboxId)) {
      this.#order.add({ createdAtUs: run.createdAtUs });
      this.#byTime.set(run.createdAtUs, run.sandboxId);
    }
    this.#rows.set(run.sandboxId, run);
  }

  #trim(): void {
    for (const id of this.#gone) {
      if (this.#gone.size <= MAX_ENDED_RUNS) return;
      const run = this.#rows.get(id);
      this.#gone.delete(id);
      this.#rows.delete(id);
      if (run === undefined) continue;
      this.#order.remove(run);
      this.#byTime.delete(run.createdAtUs);
    }
  }

  #compact(): void {
    const beside = `${this.#path}.tmp`;
    writeFileSync(beside, [...this.#rows.values()].map((run) => `${JSON.stringify(run)}\n`).join(''), {
      mode: 0o600,
    });
    this.close();
    renameSync(beside, this.#path);
    this.#lines = this.#rows.size;
  }
}

function parseRun(line: string): Run | null {
  try {
    return Run.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

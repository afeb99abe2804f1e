import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import type { EndReason } from './lifetimes';
import type { SandboxRecord } from './record';
import { stringMap } from './string-map';

/** How long the service keeps an event (docs/protocol.md#e2b-events). */
const KEPT_MS = 7 * 24 * 3_600_000;
const MAX_EVENTS = 50_000;
const MAX_CHARS = 32_000_000;
/** Outdated lines in the file before it is rewritten. */
const MAX_STALE_LINES = 10_000;

export const EventKind = z.enum(['created', 'updated', 'paused', 'resumed', 'checkpointed', 'killed']);
export type EventKind = z.infer<typeof EventKind>;

/** Why a sandbox was killed, in the words of E2B. */
const KillReason = z.enum(['request', 'timeout', 'orphaned']);
type KillReason = z.infer<typeof KillReason>;

/** The service knows no end by an error; it has lost such a sandbox. */
const KILL_REASONS = {
  killed: 'request',
  timeout: 'timeout',
  error: 'orphaned',
  shutdown: 'orphaned',
} as const satisfies Record<EndReason, KillReason>;

/** One step in the life of a sandbox. Times are Unix milliseconds. */
export const LifecycleEvent = z.object({
  id: z.string(),
  kind: EventKind,
  atMs: z.number(),
  sandboxId: z.string(),
  templateId: z.string(),
  buildId: z.string().optional(),
  metadata: stringMap(),
  /** Start of the execution, from a creation or resume to a pause or kill. */
  startedAtMs: z.number(),
  cpuCount: z.number(),
  memoryMB: z.number(),
  /** The new deadline, of an update that moved it. */
  endAtMs: z.number().optional(),
  /** Length of the execution, of a pause or kill. */
  executionMs: z.number().optional(),
  killReason: KillReason.optional(),
});
export type LifecycleEvent = Readonly<z.infer<typeof LifecycleEvent>>;

type Details = { atMs?: number; endAtMs?: number };

/** The events of all sandboxes, killed ones included, for 7 days: in memory, and in a file to which each is appended. */
export class LifecycleEvents {
  readonly #path: string;
  readonly #newId: () => string;
  /** Oldest first. */
  #events: LifecycleEvent[] = [];
  #chars = 0;
  #lines = 0;
  #file: number | undefined;

  constructor(path: string, newId: () => string) {
    this.#path = path;
    this.#newId = newId;
  }

  /**
   * Reads the file, skipping unreadable lines, and adds what the last engine did not record: the creation of sandboxes of
   * earlier versions, and the end of sandboxes that it was killing when it was killed itself.
   */
  load(alive: Iterable<SandboxRecord>): { skippedLines: number } {
    let skippedLines = 0;
    const text = existsSync(this.#path) ? readFileSync(this.#path, 'utf8') : '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const event = parseEvent(line);
      if (event === null) skippedLines += 1;
      else this.#keep(event);
    }
    const last = new Map(this.#events.map((event) => [event.sandboxId, event]));
    for (const record of alive) {
      if (!last.has(record.id)) this.#keep(this.#eventOf('created', record, { atMs: record.createdAtMs }));
      last.delete(record.id);
    }
    for (const event of last.values()) {
      if (event.kind !== 'killed') this.#keep(this.#lost(event));
    }
    this.#trim();
    this.#compact();
    return { skippedLines };
  }

  record(kind: Exclude<EventKind, 'killed' | 'paused'>, sandbox: SandboxRecord, details: Details = {}): void {
    this.#write(this.#eventOf(kind, sandbox, details));
  }

  paused(sandbox: SandboxRecord, atMs: number): void {
    const event = this.#eventOf('paused', sandbox, { atMs });
    this.#write({ ...event, executionMs: Math.max(0, atMs - sandbox.startedAtMs) });
  }

  killed(sandbox: SandboxRecord, reason: EndReason, atMs = Date.now()): void {
    const event = this.#eventOf('killed', sandbox, { atMs });
    // A paused sandbox has not run since its pause.
    const untilMs = sandbox.state === 'paused' ? (sandbox.snapshot?.pausedAtMs ?? atMs) : atMs;
    const executionMs = Math.max(0, untilMs - sandbox.startedAtMs);
    this.#write({ ...event, executionMs, killReason: KILL_REASONS[reason] });
  }

  /** Latest first, or oldest first. */
  *list(order: 'asc' | 'desc'): Generator<LifecycleEvent> {
    const oldestMs = Date.now() - KEPT_MS;
    const { length } = this.#events;
    for (let index = 0; index < length; index += 1) {
      const event = this.#events[order === 'asc' ? index : length - 1 - index];
      if (event !== undefined && event.atMs >= oldestMs) yield event;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #eventOf(kind: EventKind, sandbox: SandboxRecord, { atMs = Date.now(), endAtMs }: Details): LifecycleEvent {
    const { id: sandboxId, templateId, buildId, metadata, startedAtMs, cpuCount, memoryMB } = sandbox;
    return {
      ...{ id: this.#newId(), kind, atMs, sandboxId, templateId, metadata, startedAtMs, cpuCount, memoryMB },
      ...(buildId === undefined ? {} : { buildId }),
      ...(endAtMs === undefined ? {} : { endAtMs }),
    };
  }

  #lost({ endAtMs: _, ...last }: LifecycleEvent): LifecycleEvent {
    const atMs = Date.now();
    return { ...last, id: this.#newId(), kind: 'killed', atMs, killReason: 'orphaned' };
  }

  #write(event: LifecycleEvent): void {
    this.#keep(event);
    this.#file ??= openSync(this.#path, 'a', 0o600);
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
    this.#lines += 1;
    this.#trim();
    if (this.#lines > this.#events.length + MAX_STALE_LINES) this.#compact();
  }

  /** Searches its place from the end, because only demonstrations have events of the past. */
  #keep(event: LifecycleEvent): void {
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1]?.atMs ?? 0) > event.atMs) index -= 1;
    this.#events.splice(index, 0, event);
    this.#chars += charsOf(event);
  }

  #trim(): void {
    const oldestMs = Date.now() - KEPT_MS;
    let dropped = 0;
    for (const event of this.#events) {
      const isOver = this.#events.length - dropped > MAX_EVENTS || this.#chars > MAX_CHARS;
      if (event.atMs >= oldestMs && !isOver) break;
      this.#chars -= charsOf(event);
      dropped += 1;
    }
    if (dropped > 0) this.#events = this.#events.slice(dropped);
  }

  #compact(): void {
    const temporary = `${this.#path}.tmp`;
    const lines = this.#events.map((event) => `${JSON.stringify(event)}\n`);
    writeFileSync(temporary, lines.join(''), { mode: 0o600 });
    this.close();
    renameSync(temporary, this.#path);
    this.#lines = this.#events.length;
  }
}

/** The constant accounts for the other fields. */
function charsOf({ metadata }: LifecycleEvent): number {
  return Object.entries(metadata).reduce((sum, [key, value]) => sum + key.length + value.length, 300);
}

function parseEvent(line: string): LifecycleEvent | null {
  try {
    return LifecycleEvent.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

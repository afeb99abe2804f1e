import type { GuestSink, LogEntry, MetricSample } from './guests';

/** Per sandbox; at one sample in 5 s this is a bit under three hours before old ones are thinned out. */
const MAX_SAMPLES = 2_000;
const MAX_LOG_ENTRIES = 5_000;
const MAX_LOG_CHARS = 1_000_000;
/** Over all sandboxes: what a fleet of chatty guests may cost the engine. */
const MAX_ALL_LOG_CHARS = 64_000_000;

type Logs = { entries: LogEntry[]; chars: number };

/**
 * What guests did, in memory and bounded. Nothing is kept of a sandbox that was killed; one that timed out with an
 * older snapshot keeps its history, because the sandbox is still there.
 */
export class History implements GuestSink {
  readonly #isKnown: (id: string) => boolean;
  /** Least recently written first. */
  readonly #logs = new Map<string, Logs>();
  readonly #metrics = new Map<string, MetricSample[]>();
  #allLogChars = 0;

  /** `isKnown`: late reports about a sandbox that is gone must not bring its history back. */
  constructor(isKnown: (id: string) => boolean) {
    this.#isKnown = isKnown;
  }

  recordLog(id: string, entry: LogEntry): void {
    if (!this.#isKnown(id)) return;
    const logs = this.#logs.get(id) ?? { entries: [], chars: 0 };
    this.#logs.delete(id);
    this.#logs.set(id, logs);
    insertByTime(logs.entries, entry);
    this.#resize(logs, charsOf(entry));
    // A quarter at once, so that a full log is not moved for every line.
    if (logs.entries.length > MAX_LOG_ENTRIES || logs.chars > MAX_LOG_CHARS) this.#dropOldest(logs, 0.25);
    while (this.#allLogChars > MAX_ALL_LOG_CHARS) this.#dropLeastRecent();
  }

  recordMetric(id: string, sample: MetricSample): void {
    if (!this.#isKnown(id)) return;
    const samples = this.#metrics.get(id) ?? [];
    this.#metrics.set(id, samples);
    insertByTime(samples, sample);
    if (samples.length > MAX_SAMPLES) this.#metrics.set(id, thinOlderHalf(samples));
  }

  /** Rising by time. */
  logEntries(id: string): readonly LogEntry[] {
    return this.#logs.get(id)?.entries ?? [];
  }

  /** Rising by time. */
  samples(id: string): readonly MetricSample[] {
    return this.#metrics.get(id) ?? [];
  }

  forget(id: string): void {
    this.#allLogChars -= this.#logs.get(id)?.chars ?? 0;
    this.#logs.delete(id);
    this.#metrics.delete(id);
  }

  #dropOldest(logs: Logs, share: number): void {
    const dropped = logs.entries.splice(0, Math.max(1, Math.ceil(logs.entries.length * share)));
    this.#resize(logs, -dropped.reduce((chars, entry) => chars + charsOf(entry), 0));
  }

  #dropLeastRecent(): void {
    const [oldest] = this.#logs;
    if (oldest === undefined) return;
    this.#allLogChars -= oldest[1].chars;
    this.#logs.delete(oldest[0]);
  }

  #resize(logs: Logs, chars: number): void {
    logs.chars += chars;
    this.#allLogChars += chars;
  }
}

/** An entry's share of the bound; the constant stands for the object around the text. */
function charsOf(entry: LogEntry): number {
  let chars = 100 + entry.message.length;
  for (const [key, value] of Object.entries(entry.fields)) chars += key.length + value.length;
  return chars;
}

/** Reports arrive nearly in order; the rare late one is put where it belongs. */
function insertByTime<T extends { timestampMs: number }>(items: T[], item: T): void {
  let at = items.length;
  while (at > 0 && (items[at - 1]?.timestampMs ?? 0) > item.timestampMs) at -= 1;
  if (at === items.length) items.push(item);
  else items.splice(at, 0, item);
}

/** Long runs stay visible from their start: the older half keeps every second sample. */
function thinOlderHalf(samples: readonly MetricSample[]): MetricSample[] {
  const half = samples.length / 2;
  return samples.filter((_, at) => at >= half || at % 2 === 0);
}

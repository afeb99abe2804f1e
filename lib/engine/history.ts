import type { GuestSink, LogEntry, MetricSample } from './guests';

/** Per sandbox: almost three hours at one sample in 5 s. */
const MAX_SAMPLES = 2_000;
const MAX_LOG_ENTRIES = 5_000;
const MAX_LOG_CHARS = 1_000_000;
/** Of all sandboxes together. */
const MAX_ALL_LOG_CHARS = 64_000_000;

type Logs = { entries: LogEntry[]; chars: number };

/** Logs and metrics of the sandboxes, bounded and in memory. A sandbox that falls back to a snapshot keeps its own. */
export class History implements GuestSink {
  readonly #isKnown: (id: string) => boolean;
  /** Least recently written first. */
  readonly #logs = new Map<string, Logs>();
  readonly #metrics = new Map<string, MetricSample[]>();
  #allLogChars = 0;

  /** `isKnown` filters late reports about killed sandboxes. */
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
    // Drop a quarter at once, because each drop moves the whole array.
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

  /** Oldest first. */
  logEntries(id: string): readonly LogEntry[] {
    return this.#logs.get(id)?.entries ?? [];
  }

  /** Oldest first. */
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

/** The constant accounts for the object around the text. */
function charsOf(entry: LogEntry): number {
  let chars = 100 + entry.message.length;
  for (const [key, value] of Object.entries(entry.fields)) chars += key.length + value.length;
  return chars;
}

/** Searches from the end, because reports arrive nearly in order. */
function insertByTime<T extends { timestampMs: number }>(items: T[], item: T): void {
  let index = items.length;
  while (index > 0 && (items[index - 1]?.timestampMs ?? 0) > item.timestampMs) index -= 1;
  if (index === items.length) items.push(item);
  else items.splice(index, 0, item);
}

/** Drops every second sample of the older half, which keeps the whole history visible. */
function thinOlderHalf(samples: readonly MetricSample[]): MetricSample[] {
  const half = samples.length / 2;
  return samples.filter((_, index) => index >= half || index % 2 === 0);
}

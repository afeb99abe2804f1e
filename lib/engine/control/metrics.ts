import type { Dialect } from '../dialect';
import type { MetricSample } from '../guests';
import { parseSandboxId } from '../ids';
import type { SandboxRecord } from '../record';
import type { EngineServices } from '../services';
import { formatTime } from '../time';
import { invalid, queryInteger } from '../validation';
import type { Call, Route } from './route';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
/** The distance of points by the width of the range, both in seconds (docs/protocol.md#metrics). */
const STEPS = [
  { belowS: HOUR_S, stepS: 5 },
  { belowS: 6 * HOUR_S, stepS: 30 },
  { belowS: 12 * HOUR_S, stepS: MINUTE_S },
  { belowS: 24 * HOUR_S, stepS: 2 * MINUTE_S },
  { belowS: 7 * 24 * HOUR_S, stepS: 5 * MINUTE_S },
  { belowS: Number.POSITIVE_INFINITY, stepS: 15 * MINUTE_S },
];
const SAMPLE_MS = 5_000;
/** A day of them. */
const MAX_IDLE_SAMPLES = 17_280;
/** Larger times are milliseconds, as the Python SDK sends them. */
const MAX_UNIX_S = 1e11;

/** Metrics (docs/protocol.md#metrics). An unknown sandbox has none (docs/protocol.md#state-matrix). */
export function metricsRoutes(services: EngineServices): Route[] {
  return [
    {
      method: 'GET',
      path: '/sandboxes/metrics',
      query: ['sandbox_ids'],
      handle: (call) => latestMetrics(call, services),
    },
    {
      method: 'GET',
      path: '/sandboxes/{id}/metrics',
      query: ['start', 'end'],
      handle: (call) => metrics(call, services),
    },
  ];
}

function metrics({ param, query, dialect }: Call, services: EngineServices) {
  const startMs = unixMs(query, 'start');
  const endMs = unixMs(query, 'end');
  if (startMs !== undefined && endMs !== undefined && startMs > endMs)
    throw invalid('start', 'expected a time before end');
  const record = knownSandbox(param, services);
  if (record === undefined) return { status: 200, body: [] };
  const inRange = samplesOf(record, services).filter(
    ({ timestampMs }) => timestampMs >= (startMs ?? 0) && timestampMs <= (endMs ?? Number.POSITIVE_INFINITY),
  );
  const from = startMs ?? inRange[0]?.timestampMs ?? 0;
  const to = endMs ?? inRange.at(-1)?.timestampMs ?? from;
  const points = averaged(inRange, to - from);
  return { status: 200, body: points.map((sample) => viewMetric(sample, record, dialect)) };
}

function latestMetrics({ query, dialect }: Call, services: EngineServices) {
  const ids = query
    .getAll('sandbox_ids')
    .flatMap((text) => text.split(','))
    .filter(Boolean);
  if (ids.length < 1 || ids.length > 100)
    throw invalid('sandbox_ids', 'expected a comma-separated list of 1 to 100 ids');
  const sandboxes: Record<string, unknown> = {};
  for (const id of ids) {
    const record = knownSandbox(id, services);
    const latest = record === undefined ? undefined : latestSample(record, services);
    if (record !== undefined && latest !== undefined) {
      sandboxes[record.id] = viewMetric(latest, record, dialect);
    }
  }
  return { status: 200, body: { sandboxes } };
}

function knownSandbox(param: string, { registry }: EngineServices): SandboxRecord | undefined {
  return registry.get(parseSandboxId(param) ?? '');
}

/** The recorded samples, those of an unused sandbox since its start, or the current usage of one without any. */
function samplesOf(record: SandboxRecord, services: EngineServices): readonly MetricSample[] {
  const recorded = services.history.samples(record.id);
  if (recorded.length > 0) return recorded;
  const current = latestSample(record, services);
  if (current === undefined) return [];
  return services.guests.isUnused(record.id) ? idleSamples(record.startedAtMs, current) : [current];
}

function latestSample(record: SandboxRecord, { history, guests }: EngineServices): MetricSample | undefined {
  const recorded = history.samples(record.id).at(-1);
  if (recorded !== undefined || record.state !== 'running') return recorded;
  const usage = guests.usage(record.id);
  return usage === null ? undefined : { ...usage, timestampMs: Date.now() };
}

/** What would have been recorded of a sandbox that does nothing, every 5 s from its start on. */
function idleSamples(startMs: number, current: MetricSample): MetricSample[] {
  const ageMs = Math.max(0, current.timestampMs - startMs);
  const count = Math.min(Math.floor(ageMs / SAMPLE_MS) + 1, MAX_IDLE_SAMPLES);
  const lastMs = current.timestampMs - (ageMs % SAMPLE_MS);
  return Array.from({ length: count }, (_, index) => ({
    ...current,
    timestampMs: lastMs - (count - 1 - index) * SAMPLE_MS,
  }));
}

/** Averages the samples of each step, at the time of the last one. */
function averaged(samples: readonly MetricSample[], rangeMs: number): MetricSample[] {
  const stepMs = (STEPS.find(({ belowS }) => rangeMs < belowS * 1000)?.stepS ?? 5) * 1000;
  const steps = new Map<number, MetricSample[]>();
  for (const sample of samples) {
    const step = Math.floor(sample.timestampMs / stepMs);
    const group = steps.get(step);
    if (group === undefined) steps.set(step, [sample]);
    else group.push(sample);
  }
  return [...steps.values()].map((group) => {
    const average = (pick: (sample: MetricSample) => number) =>
      group.reduce((sum, sample) => sum + pick(sample), 0) / group.length;
    return {
      timestampMs: group.at(-1)?.timestampMs ?? 0,
      cpuUsedPct: average((sample) => sample.cpuUsedPct),
      memUsedBytes: Math.round(average((sample) => sample.memUsedBytes)),
      diskUsedBytes: Math.round(average((sample) => sample.diskUsedBytes)),
    };
  });
}

function viewMetric(sample: MetricSample, record: SandboxRecord, dialect: Dialect) {
  return {
    timestamp: formatTime(sample.timestampMs),
    timestampUnix: Math.floor(sample.timestampMs / 1000),
    cpuCount: record.cpuCount,
    cpuUsedPct: Math.round(sample.cpuUsedPct * 100) / 100,
    memUsed: sample.memUsedBytes,
    memTotal: record.memoryMB * 1024 * 1024,
    // Sandboxes share the page cache of this machine, so none of it is a sandbox's own.
    ...(dialect === 'e2b' ? { memCache: 0 } : {}),
    diskUsed: sample.diskUsedBytes,
    diskTotal: record.diskSizeMB * 1024 * 1024,
  };
}

function unixMs(query: URLSearchParams, name: string): number | undefined {
  const value = queryInteger(query, name, { min: 0 });
  if (value === undefined) return undefined;
  return value > MAX_UNIX_S ? value : value * 1000;
}

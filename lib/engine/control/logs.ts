import type { Dialect } from '../dialect';
import type { LogEntry } from '../guests';
import { parseSandboxId } from '../ids';
import type { EngineServices } from '../services';
import { formatTime } from '../time';
import { invalid, queryInteger, queryList } from '../validation';
import type { Call, Route } from './route';

const LOG_HISTORY_MS = 7 * 24 * 3_600_000;
const MAX_SEARCH_CHARS = 256;

/** From the least severe to the most. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/** Most entries of one response. */
const MAX_ENTRIES: Record<Dialect, number> = { moru: 100, e2b: 1_000 };

/** The logs of a sandbox (docs/protocol.md#logs). An unknown sandbox has none (docs/protocol.md#state-matrix). */
export function logRoutes(services: EngineServices): Route[] {
  return [
    {
      method: 'GET',
      path: '/sandboxes/{id}/logs',
      query: ['cursor', 'start', 'limit', 'direction', 'eventType'],
      handle: (call) => (call.dialect === 'e2b' ? e2bLogs(call, services) : moruLogs(call, services)),
    },
    {
      method: 'GET',
      path: '/v2/sandboxes/{id}/logs',
      query: ['cursor', 'limit', 'direction', 'level', 'search'],
      handle: (call) => logsV2(call, services),
    },
  ];
}

function moruLogs(call: Call, services: EngineServices) {
  const { entries, createdAtMs } = entriesOf(call, services);
  const page = pageOf(call, ofEventType(call, entries), MAX_ENTRIES.moru);
  return {
    status: 200,
    body: {
      logs: page.map(({ timestampMs, message }) => ({ timestamp: formatTime(timestampMs), line: message })),
      logEntries: page.filter(({ timestampMs }) => timestampMs >= createdAtMs).map(viewMoruEntry),
    },
  };
}

/** E2B's first form: each line is JSON, which its CLI parses. */
function e2bLogs(call: Call, services: EngineServices) {
  const { entries } = entriesOf(call, services);
  const page = pageOf(call, ofEventType(call, entries), MAX_ENTRIES.e2b);
  return {
    status: 200,
    body: {
      logs: page.map((entry) => ({ timestamp: formatTime(entry.timestampMs), line: lineOf(entry) })),
      logEntries: page.map(viewEntry),
    },
  };
}

/** The newer form, with filters by level and text (docs/protocol.md#logs-at-e2b). */
function logsV2(call: Call, services: EngineServices) {
  const level = queryList(call.query, 'level', LEVELS)?.[0] ?? 'debug';
  const search = call.query.get('search') ?? '';
  if (search.length > MAX_SEARCH_CHARS) {
    throw invalid('search', `expected at most ${MAX_SEARCH_CHARS} characters`);
  }
  const least = LEVELS.indexOf(level);
  const { entries } = entriesOf(call, services);
  const found = entries.filter(
    (entry) => LEVELS.indexOf(levelOf(entry)) >= least && entry.message.includes(search),
  );
  const page = pageOf(call, found, MAX_ENTRIES.e2b);
  return { status: 200, body: { logs: page.map(viewEntry) } };
}

function entriesOf({ param }: Call, { registry, history }: EngineServices) {
  const record = registry.get(parseSandboxId(param) ?? '');
  return { entries: history.logEntries(record?.id ?? ''), createdAtMs: record?.createdAtMs ?? 0 };
}

/** The output that the caller wants, with the starts and ends of processes around it. */
function ofEventType({ query }: Call, entries: readonly LogEntry[]): readonly LogEntry[] {
  const wanted = queryList(query, 'eventType', ['stdout', 'stderr'])?.[0];
  if (wanted === undefined) return entries;
  return entries.filter(({ eventType }) => eventType === wanted || eventType.startsWith('process_'));
}

/**
 * Oldest first, whatever the direction: the oldest from the start on, or the newest before it. Moru calls the start `cursor`, E2B's
 * first form `start`.
 */
function pageOf({ query }: Call, entries: readonly LogEntry[], max: number): readonly LogEntry[] {
  const limit = queryInteger(query, 'limit', { min: 0, max }) ?? max;
  const fromMs = queryInteger(query, 'cursor', { min: 0 }) ?? queryInteger(query, 'start', { min: 0 });
  const direction = queryList(query, 'direction', ['forward', 'backward'])?.[0] ?? 'forward';
  if (direction === 'forward') {
    const oldestMs = fromMs ?? Date.now() - LOG_HISTORY_MS;
    return entries.filter(({ timestampMs }) => timestampMs >= oldestMs).slice(0, limit);
  }
  const before = entries.filter(({ timestampMs }) => timestampMs < (fromMs ?? Number.POSITIVE_INFINITY));
  return before.slice(Math.max(0, before.length - limit));
}

/** The service calls everything `info`. Here, a level says where to look: failures first, then what was written as one. */
function levelOf({ eventType, fields }: LogEntry): Level {
  if (eventType === 'stderr') return 'warn';
  if (eventType !== 'process_end') return 'info';
  return /"exit_code":\s*0\b/.test(fields.process_result ?? '') ? 'info' : 'error';
}

function lineOf(entry: LogEntry): string {
  const { message, eventType, fields } = entry;
  return JSON.stringify({
    ...fields,
    level: levelOf(entry),
    logger: 'process',
    event_type: eventType,
    message,
  });
}

function viewEntry(entry: LogEntry) {
  const { timestampMs, eventType, message, fields } = entry;
  return {
    timestamp: formatTime(timestampMs),
    level: levelOf(entry),
    message,
    fields: { ...fields, event_type: eventType },
  };
}

function viewMoruEntry({ timestampMs, eventType, message, fields }: LogEntry) {
  return { timestamp: formatTime(timestampMs), eventType, message, fields };
}

import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import { idOf, type SandboxKey } from '../sandbox-key';
import type { CallService } from './call';
import type { CapabilitySet } from './capabilities';
import { type Connection, ownIdOf } from './connection';
import { pathOf } from './control';
import { readRows } from './wire';
import {
  type LifecycleEvent,
  type LogEntry,
  type SandboxMetric,
  WireEvent,
  WireLogEntry,
  WireMetric,
} from './wire-records';

/** The maxima of the services (docs/protocol.md#logs and docs/protocol.md#batch-metrics). */
const MAX_LOGS = { v1: 100, v2: 1_000 } as const;
const MAX_SEARCH_CHARS = 256;
const MAX_METRIC_IDS = 100;
const MAX_EVENTS = 100;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** `level` and `search` need the capability `logsV2`, without which they are ignored. */
export type LogRequest = {
  /** Where to start, epoch ms: forward from it, it included, or backward before it. */
  cursorMs?: number;
  direction: 'forward' | 'backward';
  limit?: number;
  /** Entries of this level and above. */
  level?: (typeof LOG_LEVELS)[number];
  search?: string;
};

/** What the service has recorded. Every method throws SandkeeperError `not_offered` if it does not record that. */
export type ServiceRecords = {
  /** Log entries, oldest first. */
  readLogs(key: SandboxKey, request: LogRequest): Promise<LogEntry[]>;
  /** Metrics between two times, epoch ms, oldest first. The service chooses the distance between them. */
  readMetrics(key: SandboxKey, range?: { fromMs: number; toMs: number }): Promise<SandboxMetric[]>;
  /** The latest metrics of up to 100 sandboxes. One that has none is missing. */
  readLatestMetrics(keys: readonly SandboxKey[]): Promise<Map<SandboxKey, SandboxMetric>>;
  /** Lifecycle events of one sandbox, latest first, for 7 days. Hosted E2B and the local engine have them. */
  readEvents(key: SandboxKey): Promise<LifecycleEvent[]>;
};

export function serviceRecords(
  call: CallService,
  connection: Pick<Connection, 'name'>,
  capabilities: CapabilitySet,
): ServiceRecords {
  const ownPathOf = (key: SandboxKey) => pathOf(ownIdOf(connection, key));

  const readLogsV2 = async (key: SandboxKey, { cursorMs, direction, limit, level, search }: LogRequest) => {
    const { body } = await call({
      method: 'GET',
      path: `/v2${ownPathOf(key)}/logs`,
      query: {
        cursor: cursorMs,
        direction,
        limit: Math.min(limit ?? MAX_LOGS.v2, MAX_LOGS.v2),
        level,
        search: search?.slice(0, MAX_SEARCH_CHARS) || undefined,
      },
      doing: 'reading logs',
      // An unknown sandbox has an empty log.
      missing: 'route',
      capability: 'logsV2',
      schema: z.looseObject({ logs: z.array(z.unknown()) }),
    });
    return readRows(body.logs, WireLogEntry).read;
  };

  const readLogsV1 = async (key: SandboxKey, { cursorMs, direction, limit }: LogRequest) => {
    const { body } = await call({
      method: 'GET',
      path: `${ownPathOf(key)}/logs`,
      // E2B's first version knows `start` only, Moru's `cursor`.
      query: {
        cursor: cursorMs,
        start: cursorMs,
        direction,
        limit: Math.min(limit ?? MAX_LOGS.v1, MAX_LOGS.v1),
      },
      doing: 'reading logs',
      missing: 'route',
      capability: 'logs',
      schema: z.looseObject({ logEntries: z.array(z.unknown()).default([]) }),
    });
    return readRows(body.logEntries, WireLogEntry).read;
  };

  return {
    async readLogs(key, request) {
      if (capabilities.can('logsV2')) {
        try {
          return byTime(await readLogsV2(key, request));
        } catch (thrown) {
          if (!(thrown instanceof SandkeeperError) || thrown.code !== 'not_offered') throw thrown;
        }
      }
      return byTime(await readLogsV1(key, request));
    },

    async readMetrics(key, range) {
      const { body } = await call({
        method: 'GET',
        path: `${ownPathOf(key)}/metrics`,
        query: range ? { start: seconds(range.fromMs), end: seconds(range.toMs) } : {},
        doing: 'reading metrics',
        capability: 'metrics',
        schema: z.array(z.unknown()),
      });
      const metrics = byTime(readRows(body, WireMetric).read);
      if (metrics.some(({ memoryCacheBytes }) => memoryCacheBytes !== null))
        capabilities.learn('memoryCache', true, 'answer', 'metrics contain it');
      return metrics;
    },

    async readLatestMetrics(keys) {
      const asked = keys.slice(0, MAX_METRIC_IDS).map((key) => [key, ownIdOf(connection, key)] as const);
      const { body } = await call({
        method: 'GET',
        path: '/sandboxes/metrics',
        query: { sandbox_ids: asked.map(([, id]) => id).join(',') },
        doing: 'reading metrics of several sandboxes',
        missing: 'route',
        capability: 'batchMetrics',
        schema: z.looseObject({ sandboxes: z.record(z.string(), z.unknown()) }),
      });
      const latest = new Map<SandboxKey, SandboxMetric>();
      for (const [key, id] of asked) {
        const { data } = WireMetric.safeParse(Object.hasOwn(body.sandboxes, id) ? body.sandboxes[id] : null);
        if (data !== undefined) latest.set(key, data);
      }
      return latest;
    },

    async readEvents(key) {
      const { body } = await call({
        method: 'GET',
        path: `/events${ownPathOf(key)}`,
        query: { limit: MAX_EVENTS, orderAsc: 'false' },
        doing: 'reading lifecycle events',
        missing: 'route',
        capability: 'events',
        schema: z.array(z.unknown()),
      });
      const events = readRows(body, WireEvent).read.filter(({ sandboxId }) => sandboxId === idOf(key));
      return events.sort((a, b) => b.atMs - a.atMs);
    },
  };
}

function byTime<T extends { atMs: number }>(rows: T[]): T[] {
  return rows.sort((a, b) => a.atMs - b.atMs);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

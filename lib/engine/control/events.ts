import { createHash } from 'node:crypto';
import { parseSandboxId } from '../ids';
import { EventKind, type LifecycleEvent } from '../lifecycle-events';
import type { EngineServices } from '../services';
import { formatTime } from '../time';
import { queryFlag, queryInteger, queryList } from '../validation';
import type { Call, Route } from './route';
import { TEAM_ID } from './views';

const DEFAULT_LIMIT = 10;
const QUERY = ['offset', 'limit', 'orderAsc', 'types'];
const PREFIX = 'sandbox.lifecycle.';
const TYPES = EventKind.options.map((kind) => `${PREFIX}${kind}` as const);

/** How sandboxes began, changed and ended (docs/protocol.md#e2b-events). An unknown sandbox has no events. */
export function eventRoutes(services: EngineServices): Route[] {
  return [
    {
      method: 'GET',
      path: '/events/sandboxes',
      query: QUERY,
      handle: (call) => ({ status: 200, body: listEvents(call, services, null) }),
    },
    {
      method: 'GET',
      path: '/events/sandboxes/{id}',
      query: QUERY,
      handle: (call) => ({
        status: 200,
        body: listEvents(call, services, parseSandboxId(call.param) ?? call.param),
      }),
    },
  ];
}

function listEvents({ query }: Call, { events }: EngineServices, sandboxId: string | null) {
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? DEFAULT_LIMIT;
  let toSkip = queryInteger(query, 'offset', { min: 0 }) ?? 0;
  const types = new Set<string>(queryList(query, 'types', TYPES) ?? TYPES);
  const order = queryFlag(query, 'orderAsc') === true ? 'asc' : 'desc';
  const page: LifecycleEvent[] = [];
  for (const event of events.list(order)) {
    if (sandboxId !== null && event.sandboxId !== sandboxId) continue;
    if (!types.has(`${PREFIX}${event.kind}`)) continue;
    if (toSkip > 0) toSkip -= 1;
    else page.push(event);
    if (page.length === limit) break;
  }
  return page.map(viewEvent);
}

function viewEvent(event: LifecycleEvent) {
  const { id, kind, atMs, sandboxId, templateId, buildId } = event;
  return {
    id,
    version: 'v2',
    type: `${PREFIX}${kind}`,
    timestamp: formatTime(atMs),
    eventData: dataOf(event),
    sandboxId,
    sandboxExecutionId: executionIdOf(event),
    sandboxTemplateId: templateId,
    sandboxBuildId: buildId,
    sandboxTeamId: TEAM_ID,
  };
}

function dataOf({
  metadata,
  endAtMs,
  killReason,
  executionMs,
  startedAtMs,
  cpuCount,
  memoryMB,
}: LifecycleEvent) {
  return {
    sandbox_metadata: metadata,
    ...(endAtMs === undefined ? {} : { set_timeout: formatTime(endAtMs) }),
    ...(killReason === undefined ? {} : { kill_reason: killReason }),
    ...(executionMs === undefined
      ? {}
      : {
          execution: {
            started_at: formatTime(startedAtMs),
            vcpu_count: cpuCount,
            memory_mb: memoryMB,
            execution_time: executionMs,
          },
        }),
  };
}

/** A UUID that all events of one execution have in common. */
function executionIdOf({ sandboxId, startedAtMs }: LifecycleEvent): string {
  const hex = createHash('sha256').update(`${sandboxId} ${startedAtMs}`).digest('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-');
}

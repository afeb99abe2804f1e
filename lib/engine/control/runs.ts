import { ApiError } from '../http';
import type { EngineParts } from '../parts';
import type { Run, RunStatus } from '../runs';
import { formatMicros, formatTime, parseMicros } from '../time';
import { queryInteger, queryList } from '../validation';
import type { Call, Route } from './route';

const STATUSES = ['running', 'paused', 'stopped'] as const satisfies readonly RunStatus[];

/** History of sandboxes including ended ones (docs/protocol.md#sandbox-runs). */
export function runRoutes(parts: EngineParts): Route[] {
  return [{ method: 'GET', path: '/v2/sandbox-runs', answer: (call) => listRuns(call, parts) }];
}

function listRuns({ query, effects }: Call, { runs }: EngineParts) {
  const statuses = new Set<RunStatus>(queryList(query, 'status', STATUSES) ?? STATUSES);
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? 100;
  const token = query.get('nextToken') || null;
  const beforeUs = token === null ? undefined : (parseMicros(token) ?? raiseInvalidToken());

  const page: Run[] = [];
  let more = false;
  for (const run of runs.newest(beforeUs)) {
    if (!statuses.has(run.status)) continue;
    more = page.length === limit;
    if (more) break;
    page.push(run);
  }
  const last = page.at(-1);
  const headers: Record<string, string> = {};
  if (more && last !== undefined) {
    headers['X-Next-Token'] =
      token !== null && effects.has('repeat-cursor') ? token : formatMicros(last.createdAtUs);
  }
  return { status: 200, body: page.map(viewRun), headers };
}

function viewRun(run: Run) {
  return {
    sandboxID: run.sandboxId,
    templateID: run.templateId,
    alias: run.alias,
    status: run.status,
    createdAt: formatMicros(run.createdAtUs),
    endedAt: run.endedAtMs === undefined ? undefined : formatTime(run.endedAtMs),
    endReason: run.endReason,
  };
}

function raiseInvalidToken(): never {
  throw new ApiError(400, 'Invalid next token');
}

import { ApiError } from '../http';
import type { Lifetime, LifetimeStatus } from '../lifetimes';
import type { EngineServices } from '../services';
import { formatMicros, formatTime, parseMicros } from '../time';
import { queryInteger, queryList } from '../validation';
import { type Call, type Route, takePage } from './route';

const STATUSES = ['running', 'paused', 'stopped'] as const satisfies readonly LifetimeStatus[];

/** The history of all sandboxes, including ended ones (docs/protocol.md#sandbox-runs). */
export function sandboxRunRoutes(services: EngineServices): Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/sandbox-runs',
      query: ['status', 'limit', 'nextToken'],
      handle: (call) => listSandboxRuns(call, services),
    },
  ];
}

function listSandboxRuns({ query, effects }: Call, { lifetimes }: EngineServices) {
  const statuses = new Set<LifetimeStatus>(queryList(query, 'status', STATUSES) ?? STATUSES);
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? 100;
  const token = query.get('nextToken') || null;
  const beforeUs = token === null ? undefined : (parseMicros(token) ?? raiseInvalidToken());

  const { page, headers } = takePage(lifetimes.newest(beforeUs), ({ status }) => statuses.has(status), {
    limit,
    token,
    effects,
    formatToken: ({ createdAtUs }) => formatMicros(createdAtUs),
  });
  return { status: 200, body: page.map(viewSandboxRun), headers };
}

function viewSandboxRun(lifetime: Lifetime) {
  return {
    sandboxID: lifetime.sandboxId,
    templateID: lifetime.templateId,
    alias: lifetime.alias,
    status: lifetime.status,
    createdAt: formatMicros(lifetime.createdAtUs),
    endedAt: lifetime.endedAtMs === undefined ? undefined : formatTime(lifetime.endedAtMs),
    endReason: lifetime.endReason,
  };
}

function raiseInvalidToken(): never {
  throw new ApiError(400, 'Invalid next token');
}

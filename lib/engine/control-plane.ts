import type { IncomingMessage } from 'node:http';
import { engineRoutes } from './control/engine';
import { eventRoutes } from './control/events';
import { listRoutes } from './control/list';
import { logRoutes } from './control/logs';
import { metricsRoutes } from './control/metrics';
import { notOfferedRoutes } from './control/not-offered';
import { matchRoutes, type Route } from './control/route';
import { sandboxRunRoutes } from './control/sandbox-runs';
import { sandboxRoutes } from './control/sandboxes';
import { snapshotRoutes } from './control/snapshots';
import { templateRoutes } from './control/templates';
import { type Dialect, parseApiKey } from './dialect';
import type { FaultEffect } from './faults';
import { ApiError, parseJson, type Reply, readBody } from './http';
import { sameSecret } from './ids';
import type { EngineServices } from './services';
import { requireKnownParameters } from './validation';

const MAX_BODY_BYTES = 1024 * 1024;

const HEALTH: Route = {
  method: 'GET',
  path: '/health',
  handle: () => ({ status: 200, body: { status: 'ok' } }),
};

/** A route that has been found for a request, with the service that its caller expects. */
export type Match = Route & { param: string; dialect: Dialect };

/** The REST API of the engine: checks the API key, finds the route and parses the body. */
export class ControlPlane {
  readonly #secret: string;
  readonly #routes: readonly Route[];

  constructor(services: EngineServices, apiKey: string) {
    this.#secret = parseApiKey(apiKey)?.secret ?? apiKey;
    this.#routes = [
      HEALTH,
      ...listRoutes(services),
      ...metricsRoutes(services),
      ...logRoutes(services),
      ...sandboxRoutes(services),
      ...snapshotRoutes(services),
      ...sandboxRunRoutes(services),
      ...eventRoutes(services),
      ...templateRoutes(services),
      ...notOfferedRoutes(),
      ...engineRoutes(services),
    ];
  }

  /**
   * Finds the route of a request. Only `/health` needs no API key.
   * @throws ApiError 401 for a missing or wrong key, 404 for an unknown path, 405 for a wrong method.
   */
  resolve(request: IncomingMessage, path: string): Match {
    const dialect = path === HEALTH.path ? 'moru' : this.#authenticate(request.headers['x-api-key']);
    const match = matchRoutes(this.#routes, path);
    if (match === null) throw new ApiError(404, `no such endpoint: ${path}`);
    const route = match.routes.find(({ method }) => method === request.method);
    if (route !== undefined) return { ...route, param: match.param, dialect };
    const allow = match.routes.map(({ method }) => method).join(', ');
    throw new ApiError(405, `method ${request.method} is not allowed, use ${allow}`, { allow });
  }

  /** @throws ApiError from the route; 400, 408 or 413 for a bad body. */
  async handle(
    route: Match,
    request: IncomingMessage,
    query: URLSearchParams,
    effects: ReadonlySet<FaultEffect>,
  ): Promise<Reply> {
    const { param, dialect } = route;
    if (route.query !== null) requireKnownParameters(query, route.query ?? []);
    const body = route.method === 'GET' ? undefined : parseJson(await readBody(request, MAX_BODY_BYTES));
    return route.handle({ param, query, body, dialect, effects });
  }

  /**
   * The key is the same for clients of both services but for its prefix. The messages are those of
   * docs/protocol.md#authentication.
   */
  #authenticate(apiKey: string | string[] | undefined): Dialect {
    if (apiKey === undefined || apiKey === '') throw new ApiError(401, 'authorization header is missing');
    const key = typeof apiKey === 'string' ? parseApiKey(apiKey) : null;
    if (key === null) throw new ApiError(401, 'authorization header is malformed');
    if (!sameSecret(key.secret, this.#secret)) throw new ApiError(401, 'the API key is invalid');
    return key.dialect;
  }
}

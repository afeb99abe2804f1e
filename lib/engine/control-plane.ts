import type { IncomingMessage } from 'node:http';
import { engineRoutes } from './control/engine';
import { listRoutes } from './control/list';
import { metricsLogsRoutes } from './control/metrics-logs';
import { matchRoutes, type Route } from './control/route';
import { sandboxRunRoutes } from './control/sandbox-runs';
import { sandboxRoutes } from './control/sandboxes';
import { templateRoutes } from './control/templates';
import type { FaultEffect } from './faults';
import { ApiError, parseJson, type Reply, readBody } from './http';
import { sameSecret } from './ids';
import type { EngineServices } from './services';

const MAX_BODY_BYTES = 1024 * 1024;

const HEALTH: Route = {
  method: 'GET',
  path: '/health',
  handle: () => ({ status: 200, body: { status: 'ok' } }),
};

/** The REST API of the engine: checks the API key, finds the route and parses the body. */
export class ControlPlane {
  readonly #apiKey: string;
  readonly #routes: readonly Route[];

  constructor(services: EngineServices, apiKey: string) {
    this.#apiKey = apiKey;
    this.#routes = [
      HEALTH,
      ...listRoutes(services),
      ...metricsLogsRoutes(services),
      ...sandboxRoutes(services),
      ...sandboxRunRoutes(services),
      ...templateRoutes(),
      ...engineRoutes(services),
    ];
  }

  /**
   * Finds the route of a request. Only `/health` needs no API key.
   * @throws ApiError 401 for a missing or wrong key, 404 for an unknown path, 405 for a wrong method.
   */
  resolve(request: IncomingMessage, path: string): Route & { param: string } {
    if (path !== HEALTH.path) this.#authenticate(request.headers['x-api-key']);
    const match = matchRoutes(this.#routes, path);
    if (match === null) throw new ApiError(404, `no such endpoint: ${path}`);
    const route = match.routes.find(({ method }) => method === request.method);
    if (route !== undefined) return { ...route, param: match.param };
    const allow = match.routes.map(({ method }) => method).join(', ');
    throw new ApiError(405, `method ${request.method} is not allowed, use ${allow}`, { allow });
  }

  /** @throws ApiError from the route; 400, 408 or 413 for a bad body. */
  async handle(
    route: Route & { param: string },
    request: IncomingMessage,
    query: URLSearchParams,
    effects: ReadonlySet<FaultEffect>,
  ): Promise<Reply> {
    const body = route.method === 'POST' ? parseJson(await readBody(request, MAX_BODY_BYTES)) : undefined;
    return route.handle({ param: route.param, query, body, effects });
  }

  /** The messages are those of docs/protocol.md#authentication. */
  #authenticate(apiKey: string | string[] | undefined): void {
    if (apiKey === undefined || apiKey === '') throw new ApiError(401, 'authorization header is missing');
    if (typeof apiKey !== 'string' || !apiKey.startsWith('moru_')) {
      throw new ApiError(401, 'authorization header is malformed');
    }
    if (!sameSecret(apiKey, this.#apiKey)) throw new ApiError(401, 'the API key is invalid');
  }
}

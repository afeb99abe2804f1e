import type { IncomingMessage } from 'node:http';
import { BODY_LIMIT_BYTES } from './constants';
import { engineRoutes } from './control/engine';
import { listRoutes } from './control/list';
import { metricsLogsRoutes } from './control/metrics-logs';
import { matchRoutes, type Route } from './control/route';
import { runRoutes } from './control/runs';
import { sandboxRoutes } from './control/sandboxes';
import { templateRoutes } from './control/templates';
import type { FaultEffect } from './faults';
import { ApiError, parseJson, type Reply, readBody } from './http';
import { sameSecret } from './ids';
import type { EngineParts } from './parts';

const HEALTH: Route = {
  method: 'GET',
  path: '/health',
  answer: () => ({ status: 200, body: { status: 'ok' } }),
};

/** The REST half of the engine: who may ask, which endpoint answers, what it gets to read. */
export class ControlPlane {
  readonly #apiKey: string;
  readonly #routes: readonly Route[];

  constructor(parts: EngineParts, apiKey: string) {
    this.#apiKey = apiKey;
    this.#routes = [
      HEALTH,
      ...listRoutes(parts),
      ...metricsLogsRoutes(parts),
      ...sandboxRoutes(parts),
      ...runRoutes(parts),
      ...templateRoutes(),
      ...engineRoutes(parts),
    ];
  }

  /**
   * The endpoint of a request, ready to be run.
   * @throws ApiError 401 without the key (only `/health` needs none), 404 unknown path, 405 wrong method.
   */
  resolve(request: IncomingMessage, path: string): Route & { param: string } {
    if (path !== HEALTH.path) this.#authenticate(request.headers['x-api-key']);
    const match = matchRoutes(this.#routes, path);
    if (match === null) throw new ApiError(404, `no such endpoint: ${path}`);
    const route = match.routes.find(({ method }) => method === request.method);
    if (route !== undefined) return { ...route, param: match.param };
    const allow = match.routes.map(({ method }) => method).join(', ');
    throw new ApiError(405, `${request.method} is not possible here, expected ${allow}`, { allow });
  }

  /** @throws ApiError what the endpoint refuses; 413, 408 and 400 for bodies. */
  async run(
    route: Route & { param: string },
    request: IncomingMessage,
    query: URLSearchParams,
    effects: ReadonlySet<FaultEffect>,
  ): Promise<Reply> {
    const body = route.method === 'POST' ? parseJson(await readBody(request, BODY_LIMIT_BYTES)) : undefined;
    return route.answer({ param: route.param, query, body, effects });
  }

  /** The texts of docs/protocol.md#authentication. */
  #authenticate(given: string | string[] | undefined): void {
    if (given === undefined || given === '') throw new ApiError(401, 'authorization header is missing');
    if (typeof given !== 'string' || !given.startsWith('moru_')) {
      throw new ApiError(401, 'authorization header is malformed');
    }
    if (!sameSecret(given, this.#apiKey)) throw new ApiError(401, 'the API key is not valid');
  }
}

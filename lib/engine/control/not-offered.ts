import { ApiError } from '../http';
import type { Route } from './route';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What the services offer and this engine does not, by the paths that ask for it. */
const FEATURES = {
  volumes: [
    '/volumes',
    '/volumes/{id}',
    '/volumes/{id}/files',
    '/volumes/{id}/files/{action}',
    '/volumecontent/{id}/{part}',
  ],
  teams: ['/teams', '/teams/{id}/metrics', '/teams/{id}/metrics/max'],
  'management of keys': ['/api-keys', '/api-keys/{id}', '/access-tokens', '/access-tokens/{id}'],
  webhooks: ['/events/webhooks', '/events/webhooks/{id}'],
  secrets: ['/secrets', '/secrets/{id}'],
  'template builds': [
    '/v3/templates',
    '/v2/templates/{id}/builds/{build}',
    '/templates/{id}/builds/{build}',
    '/templates/{id}/files/{hash}',
    '/templates/{id}/builds/{build}/{part}',
  ],
};

/** Routes of known features that are missing here. They say so, where an unknown path would look like a mistake. */
export function notOfferedRoutes(): Route[] {
  return Object.entries(FEATURES).flatMap(([name, paths]) =>
    paths.flatMap((path) =>
      METHODS.map((method) => ({ method, path, query: null, handle: () => raiseNotOffered(name) })),
    ),
  );
}

/** @throws ApiError 501 that names the feature. */
export function raiseNotOffered(name: string): never {
  throw new ApiError(501, `The local engine does not offer ${name}.`);
}

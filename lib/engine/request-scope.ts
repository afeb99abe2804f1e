import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import { sendError } from './http';

/** The response is null once it has closed: what a request starts may outlive it. */
type Scope = { response: ServerResponse | null };

const scopes = new AsyncLocalStorage<Scope>();

/** Runs `work` and all callbacks it leads to in the scope of a request. */
export function inRequestScope<T>(response: ServerResponse, work: () => T): T {
  const scope: Scope = { response };
  response.once('close', () => {
    scope.response = null;
  });
  return scopes.run(scope, work);
}

/** Ends the request in whose scope the caller runs with a 500. Does nothing outside a request. Never throws. */
export function failRequestInScope(): void {
  const response = scopes.getStore()?.response;
  if (!response) return;
  try {
    if (response.headersSent) response.destroy();
    else sendError(response, 500, 'internal error; see the log of the engine');
  } catch {
    response.destroy();
  }
}

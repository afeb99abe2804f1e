import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import { singleton } from './singleton';

/** Shared between the front and the module graph of Next.js. */
const responses = () => singleton('responses', () => new AsyncLocalStorage<ServerResponse>());

/** Runs `work` so that it can set headers of the response, which Next.js does not let an action do. */
export function withResponse<T>(res: ServerResponse, work: () => T): T {
  return responses().run(res, work);
}

/** Sets a header of the response to the current request, unless it has been sent. */
export function setResponseHeader(name: string, value: string): void {
  const res = responses().getStore();
  if (res && !res.headersSent) res.setHeader(name, value);
}

import type { FaultEffect } from '../faults';
import type { Reply } from '../http';

/** One request to the control plane, after authentication. */
export type Call = {
  /** What stood in the place of `{…}` in the path, decoded. */
  param: string;
  query: URLSearchParams;
  /** The parsed JSON body; undefined when there is none. */
  body: unknown;
  /** Fault switches that the endpoint itself acts out. */
  effects: ReadonlySet<FaultEffect>;
};

/** `path` has at most one `{…}` segment. */
export type Route = {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  handle(call: Call): Reply | Promise<Reply>;
};

/** What a path leads to: the routes of every method, and the decoded parameter. */
export type Match = { routes: Route[]; param: string };

/**
 * The routes with this path. A literal path wins over one with a parameter.
 * @returns null when there is none.
 */
export function matchRoutes(routes: readonly Route[], path: string): Match | null {
  const literal = routes.filter((route) => route.path === path);
  if (literal.length > 0) return { routes: literal, param: '' };
  const given = path.split('/');
  let param = '';
  const matching = routes.filter((route) => {
    const found = paramOf(route.path.split('/'), given);
    if (found !== null) param = found;
    return found !== null;
  });
  return matching.length === 0 ? null : { routes: matching, param };
}

function paramOf(wanted: readonly string[], given: readonly string[]): string | null {
  if (wanted.length !== given.length) return null;
  let param: string | null = null;
  for (const [at, segment] of wanted.entries()) {
    const here = given[at] ?? '';
    if (segment.startsWith('{') && here !== '') param = decode(here);
    else if (segment !== here) return null;
  }
  return param;
}

/** A segment that is not well encoded names nothing that exists. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

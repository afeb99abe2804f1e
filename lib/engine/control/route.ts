import type { FaultEffect } from '../faults';
import type { Reply } from '../http';

/** One request to the control plane, after authentication. */
export type Call = {
  /** The decoded value of `{…}` in the path. */
  param: string;
  query: URLSearchParams;
  /** The parsed JSON body; undefined without one. */
  body: unknown;
  /** Injected faults that the route itself applies. */
  effects: ReadonlySet<FaultEffect>;
};

/** `path` has at most one `{…}` segment. */
export type Route = {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  handle(call: Call): Reply | Promise<Reply>;
};

/** The routes of a path, one per method, and the decoded parameter. */
export type Match = { routes: Route[]; param: string };

/** Finds the routes of a path. A literal path wins over one with a parameter. */
export function matchRoutes(routes: readonly Route[], path: string): Match | null {
  const literal = routes.filter((route) => route.path === path);
  if (literal.length > 0) return { routes: literal, param: '' };
  const segments = path.split('/');
  let param = '';
  const matching = routes.filter((route) => {
    const found = paramOf(route.path.split('/'), segments);
    if (found !== null) param = found;
    return found !== null;
  });
  return matching.length === 0 ? null : { routes: matching, param };
}

function paramOf(pattern: readonly string[], segments: readonly string[]): string | null {
  if (pattern.length !== segments.length) return null;
  let param: string | null = null;
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (expected.startsWith('{') && segment !== '') param = decode(segment);
    else if (segment !== expected) return null;
  }
  return param;
}

/** Returns a badly encoded segment unchanged; nothing matches it. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

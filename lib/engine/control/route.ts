import type { Dialect } from '../dialect';
import type { FaultEffect } from '../faults';
import type { Reply } from '../http';

export type Call = {
  /** The decoded value of `{…}` in the path. */
  param: string;
  query: URLSearchParams;
  /** The parsed JSON body; undefined without one. */
  body: unknown;
  /** The service that the caller expects, by its API key. */
  dialect: Dialect;
  /** Injected faults that the route itself applies. */
  effects: ReadonlySet<FaultEffect>;
};

/** `param` is the value of the last `{…}` segment of `path`. */
export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Names of the parameters that it honours. Any other is refused. Default: none. Null: it refuses every request. */
  query?: readonly string[] | null;
  handle(call: Call): Reply | Promise<Reply>;
};

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

/**
 * Takes the first `limit` matching items, with an `X-Next-Token` header if more follow. The fault `repeat-cursor`
 * returns `token`, the cursor of the request, instead of a new one.
 */
export function takePage<Item>(
  items: Iterable<Item>,
  isMatch: (item: Item) => boolean,
  { limit, token, effects, formatToken }: PageOptions<NoInfer<Item>>,
): { page: Item[]; headers: Record<string, string> } {
  const page: Item[] = [];
  for (const item of items) {
    if (!isMatch(item)) continue;
    const last = page.at(-1);
    if (page.length === limit && last !== undefined) {
      const next = token !== null && effects.has('repeat-cursor') ? token : formatToken(last);
      return { page, headers: { 'X-Next-Token': next } };
    }
    page.push(item);
  }
  return { page, headers: {} };
}

type PageOptions<Item> = {
  /** At least 1. */
  limit: number;
  token: string | null;
  effects: Call['effects'];
  formatToken(last: Item): string;
};

/** Returns a badly encoded segment unchanged; nothing matches it. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

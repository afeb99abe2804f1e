import 'server-only';
import { z } from 'zod';
import { keyInRoute, parseInput, type SandboxRoute } from '../access/input';
import { SandboxKey } from '../sandbox-key';
import { GuestPath, GuestPaths } from './schema';
import { SearchQuery } from './search/search';

const PathRequest = z.object({ sandboxKey: SandboxKey, path: GuestPath });
const PathsRequest = z.object({ sandboxKey: SandboxKey, paths: GuestPaths });
const SearchRequest = z.object({ sandboxKey: SandboxKey, query: SearchQuery });

/** Parses the sandbox of the route and the `path` parameter. Throws SandkeeperError `invalid`. */
export function parsePathRequest(route: SandboxRoute, url: string): z.infer<typeof PathRequest> {
  return parseInput(PathRequest, {
    sandboxKey: keyInRoute(route),
    path: new URL(url).searchParams.get('path'),
  });
}

export function parsePathsRequest(route: SandboxRoute, url: string): z.infer<typeof PathsRequest> {
  return parseInput(PathsRequest, {
    sandboxKey: keyInRoute(route),
    paths: new URL(url).searchParams.getAll('path'),
  });
}

export function parseSearchRequest(route: SandboxRoute, url: string): z.infer<typeof SearchRequest> {
  return parseInput(SearchRequest, {
    sandboxKey: keyInRoute(route),
    query: Object.fromEntries(new URL(url).searchParams),
  });
}

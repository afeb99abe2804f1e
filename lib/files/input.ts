import 'server-only';
import { z } from 'zod';
import { parseInput } from '../access/input';
import { SandboxId } from '../sandbox/schema';
import { GuestPath, GuestPaths } from './schema';
import { SearchQuery } from './search/search';

const PathRequest = z.object({ sandboxId: SandboxId, path: GuestPath });
const PathsRequest = z.object({ sandboxId: SandboxId, paths: GuestPaths });
const SearchRequest = z.object({ sandboxId: SandboxId, query: SearchQuery });

/** Parses the sandbox `id` of the route and the `path` parameter. Throws SandkeeperError `invalid`. */
export function parsePathRequest(id: string, url: string): z.infer<typeof PathRequest> {
  return parseInput(PathRequest, { sandboxId: id, path: new URL(url).searchParams.get('path') });
}

export function parsePathsRequest(id: string, url: string): z.infer<typeof PathsRequest> {
  return parseInput(PathsRequest, { sandboxId: id, paths: new URL(url).searchParams.getAll('path') });
}

export function parseSearchRequest(id: string, url: string): z.infer<typeof SearchRequest> {
  return parseInput(SearchRequest, { sandboxId: id, query: Object.fromEntries(new URL(url).searchParams) });
}

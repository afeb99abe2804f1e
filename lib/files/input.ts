import 'server-only';
import { z } from 'zod';
import { parseInput } from '../access/input';
import { SandboxId } from '../sandbox/schema';
import { GuestPath, GuestPaths } from './schema';
import { SearchQuery } from './search/search';

const Place = z.object({ sandboxId: SandboxId, path: GuestPath });
const Places = z.object({ sandboxId: SandboxId, paths: GuestPaths });
const Search = z.object({ sandboxId: SandboxId, query: SearchQuery });

/** Which place of which sandbox an address asks for: `id` of its path, `path` of its query. */
export function parsePathRequest(id: string, url: string): z.infer<typeof Place> {
  return parseInput(Place, { sandboxId: id, path: new URL(url).searchParams.get('path') });
}

/** The same for several places. */
export function parsePathsRequest(id: string, url: string): z.infer<typeof Places> {
  return parseInput(Places, { sandboxId: id, paths: new URL(url).searchParams.getAll('path') });
}

/** What is looked for, and where. */
export function parseSearchRequest(id: string, url: string): z.infer<typeof Search> {
  return parseInput(Search, { sandboxId: id, query: Object.fromEntries(new URL(url).searchParams) });
}

import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../../errors';
import { joinSignals } from '../../joined-signal';
import type { Envd } from '../../sandbox-api/envd';
import { CommandOutput } from '../../sandbox-api/envd-command';
import { FileError } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import { pathsToTraverse } from '../browse/folders';
import { openFiles } from '../browse/reader';
import {
  type FileCount,
  type FileHit,
  GuestPath,
  SEARCH_PLACES,
  type SearchLine,
  type SearchPlace,
} from '../schema';
import { parseCounts, parseMatches, parsePaths, type SearchFormat } from './output';

const MAX_HITS = 1_000;
const MAX_MS = 60_000;
/** Time for output that is still on its way, ms. */
const SLACK_MS = 10_000;
/** Keeps one file from using up the limit. */
const MAX_HITS_PER_FILE = 20;
/** Time for counting the matches of the files with more, ms. */
const COUNT_MS = 15_000;

export const SearchQuery = z.object({
  path: GuestPath,
  /** Literal text. Case-insensitive if it is all lower case. */
  text: z
    .string()
    .min(1)
    .max(200, 'Enter at most 200 characters.')
    .refine((text) => !/[\0\n\r]/.test(text), 'Enter a single line.'),
  in: z.enum(SEARCH_PLACES),
});
export type SearchQuery = z.infer<typeof SearchQuery>;

type Searcher = {
  cmd: string;
  args: (query: SearchQuery, paths: readonly string[]) => string[];
  format: SearchFormat;
};

const isCaseKept = ({ text }: SearchQuery) => text !== text.toLowerCase();

const FIND = (query: SearchQuery, paths: readonly string[]) => [
  '-H',
  ...paths,
  isCaseKept(query) ? '-name' : '-iname',
  `*${query.text.replace(/[\\*?[\]]/g, '\\$&')}*`,
];

/** With names, of text files, without messages. */
const literally = (query: SearchQuery, paths: readonly string[]) => [
  ...['-H', '-Z', '-F', '-I', '-s', ...(isCaseKept(query) ? [] : ['-i'])],
  ...['-e', query.text, '--', ...paths],
];

/** Tried in order: the most informative program first. */
const SEARCHERS: Readonly<Record<SearchPlace, readonly Searcher[]>> = {
  name: [
    {
      cmd: 'find',
      args: (query, paths) => [...FIND(query, paths), '-printf', '%y%p\\0'],
      format: parsePaths({ hasKind: true }),
    },
    {
      cmd: 'find',
      args: (query, paths) => [...FIND(query, paths), '-print0'],
      format: parsePaths({ hasKind: false }),
    },
  ],
  content: [
    {
      cmd: 'grep',
      args: (query, paths) => [
        // Recursive, with line numbers; skips pipes and devices.
        ...['-r', '-n', '-D', 'skip', '-m', String(MAX_HITS_PER_FILE)],
        ...literally(query, paths),
      ],
      format: parseMatches,
    },
  ],
};

/**
 * Searches names or contents with the sandbox's own programs, which end when the generator does.
 * @throws FileError; SandkeeperError `conflict` if the sandbox has no suitable program
 */
export async function* searchFiles(
  sandboxKey: SandboxKey,
  query: SearchQuery,
  signal: AbortSignal,
): AsyncGenerator<SearchLine, void, undefined> {
  const envd = await openFiles(sandboxKey);
  await envd.stat(query.path, signal);
  const paths = await pathsToTraverse(envd, query.path, signal);
  const limit = joinSignals([signal], MAX_MS);
  const perFile = new Map<string, number>();
  let hits = 0;
  try {
    for await (const hit of hitsOf(envd, query, paths, limit.signal)) {
      hits += 1;
      if (hit.line !== null && hit.isAddressable) perFile.set(hit.path, (perFile.get(hit.path) ?? 0) + 1);
      yield hit;
      if (hits === MAX_HITS) break;
    }
  } catch (thrown) {
    if (!limit.signal.aborted || signal.aborted) throw thrown;
  } finally {
    limit.release();
  }
  const full = [...perFile].filter(([, many]) => many >= MAX_HITS_PER_FILE).map(([path]) => path);
  if (full.length > 0) yield* countsOf(envd, query, full, signal);
  yield { type: 'end', hits, cut: hits === MAX_HITS ? 'count' : limit.signal.aborted ? 'time' : null };
}

/** The number of matches in files of which only the first were sent. Ends early rather than fail. */
async function* countsOf(
  envd: Envd,
  query: SearchQuery,
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FileCount, void, undefined> {
  const limit = joinSignals([signal], COUNT_MS);
  const command = { cmd: 'grep', args: ['-c', ...literally(query, paths)] };
  const output = new CommandOutput(envd, command, COUNT_MS, limit.signal);
  try {
    for await (const { path, matches } of parseCounts(output.read()))
      if (matches > MAX_HITS_PER_FILE && paths.includes(path)) yield { type: 'count', path, matches };
  } catch {
    signal.throwIfAborted();
  } finally {
    limit.release();
  }
}

async function* hitsOf(
  envd: Envd,
  query: SearchQuery,
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FileHit, void, undefined> {
  const { output, format } = await startSearch(envd, query, paths, signal);
  for await (const hit of format(output.read(), query.text)) {
    // The start folder itself is not a result.
    if (hit.line !== null || hit.path !== query.path) yield hit;
  }
  if (output.exitCode === null)
    throw new FileError('unavailable', { message: 'The search was interrupted. Try again.' });
}

async function startSearch(
  envd: Envd,
  query: SearchQuery,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<{ output: CommandOutput; format: SearchFormat }> {
  for (const { cmd, args, format } of SEARCHERS[query.in]) {
    const output = new CommandOutput(envd, { cmd, args: args(query, paths) }, MAX_MS + SLACK_MS, signal);
    try {
      if ((await output.begins()) || !isUnusable(output)) return { output, format };
    } catch (thrown) {
      const { code } = SandkeeperError.from(thrown);
      // The program does not exist.
      if (code !== 'invalid') throw thrown;
    }
  }
  throw new SandkeeperError('conflict', 'This sandbox has no program for this search: install find or grep.');
}

/** Whether the program could not run or does not know the options. */
function isUnusable({ exitCode, stderr }: CommandOutput): boolean {
  if (exitCode === 126 || exitCode === 127) return true;
  return exitCode !== 0 && /unrecogni[sz]ed|unknown|invalid option|illegal option/i.test(stderr);
}

/** Streams NDJSON. Resolves after the first line, so that a search that cannot start rejects. Cancelling ends the search. */
export async function ndjsonOf(lines: AsyncGenerator<SearchLine>): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<SearchLine>> | null = lines.next();
  await next;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await (next ?? lines.next());
      next = null;
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
}

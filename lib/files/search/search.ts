import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../../errors';
import { joinSignals } from '../../joined-signal';
import type { Envd } from '../../sandbox-api/envd';
import { CommandOutput } from '../../sandbox-api/envd-command';
import { FileError } from '../../sandbox-api/file-error';
import { pathsToTraverse } from '../browse/folders';
import { openFiles } from '../browse/reader';
import { type FileHit, GuestPath, SEARCH_PLACES, type SearchLine, type SearchPlace } from '../schema';
import { parseMatches, parsePaths, type SearchFormat } from './output';

const MAX_HITS = 1_000;
const MAX_MS = 60_000;
/** Time for output that is still on its way, ms. */
const SLACK_MS = 10_000;
/** Keeps one file from using up the limit. */
const MAX_HITS_PER_FILE = 20;

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
        // Recursive, literal, with names and line numbers; skips binary files, pipes and devices.
        ...['-r', '-H', '-n', '-Z', '-F', '-I', '-D', 'skip', '-s'],
        ...['-m', String(MAX_HITS_PER_FILE)],
        ...(isCaseKept(query) ? [] : ['-i']),
        ...['-e', query.text, '--', ...paths],
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
  sandboxId: string,
  query: SearchQuery,
  signal: AbortSignal,
): AsyncGenerator<SearchLine, void, undefined> {
  const envd = await openFiles(sandboxId);
  await envd.stat(query.path, signal);
  const paths = await pathsToTraverse(envd, query.path, signal);
  const limit = joinSignals([signal], MAX_MS);
  let hits = 0;
  try {
    for await (const hit of hitsOf(envd, query, paths, limit.signal)) {
      hits += 1;
      yield hit;
      if (hits < MAX_HITS) continue;
      yield { type: 'end', hits, cut: 'count' };
      return;
    }
  } catch (thrown) {
    if (!limit.signal.aborted || signal.aborted) throw thrown;
  } finally {
    limit.release();
  }
  yield { type: 'end', hits, cut: limit.signal.aborted ? 'time' : null };
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

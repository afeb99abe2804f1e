import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../../errors';
import type { Envd } from '../../sandbox-api/envd';
import { FileError } from '../../sandbox-api/file-error';
import { GuestOutput } from '../../sandbox-api/guest-command';
import { pathsToTraverse } from '../browse/folders';
import { openFiles } from '../browse/reader';
import { type FileHit, GuestPath, SEARCH_PLACES, type SearchLine, type SearchPlace } from '../schema';
import { readFindings, readFound, type SearchFormat } from './output';

/** A search ends when this many were found, or this long has passed, ms. */
const MAX_HITS = 1_000;
const WITHIN_MS = 60_000;
/** What is still on its way when the time is up, ms. */
const SLACK_MS = 10_000;
/** Findings in one file; the rest of it would only push others out. */
const MAX_HITS_OF_A_FILE = 20;

export const SearchQuery = z.object({
  path: GuestPath,
  /** What is looked for, letter by letter: no pattern. Small letters stand for large ones as well. */
  text: z
    .string()
    .min(1)
    .max(200, 'At most 200 characters.')
    .refine((text) => !/[\0\n\r]/.test(text), 'One line of text.'),
  in: z.enum(SEARCH_PLACES),
});
export type SearchQuery = z.infer<typeof SearchQuery>;

/** A program that searches, and how its output is read. */
type Searcher = {
  cmd: string;
  args: (query: SearchQuery, places: readonly string[]) => string[];
  format: SearchFormat;
};

const isCaseKept = ({ text }: SearchQuery) => text !== text.toLowerCase();

const FIND = (query: SearchQuery, places: readonly string[]) => [
  '-H',
  ...places,
  isCaseKept(query) ? '-name' : '-iname',
  `*${query.text.replace(/[\\*?[\]]/g, '\\$&')}*`,
];

/** From the most telling one to what every system has. */
const SEARCHERS: Readonly<Record<SearchPlace, readonly Searcher[]>> = {
  name: [
    {
      cmd: 'find',
      args: (query, places) => [...FIND(query, places), '-printf', '%y%p\\0'],
      format: readFound({ saysKind: true }),
    },
    {
      cmd: 'find',
      args: (query, places) => [...FIND(query, places), '-print0'],
      format: readFound({ saysKind: false }),
    },
  ],
  content: [
    {
      cmd: 'grep',
      args: (query, places) => [
        // Recursive, with names and lines; no patterns, no binary files, no pipes and devices, no complaints.
        ...['-r', '-H', '-n', '-Z', '-F', '-I', '-D', 'skip', '-s'],
        ...['-m', String(MAX_HITS_OF_A_FILE)],
        ...(isCaseKept(query) ? [] : ['-i']),
        ...['-e', query.text, '--', ...places],
      ],
      format: readFindings,
    },
  ],
};

/**
 * Looks for text in names or in files, by the sandbox's own programs, which end when nobody reads any more. The first
 * line is there once something is found or the search has ended.
 * @throws FileError; SandkeeperError `conflict` where the sandbox has no program for it
 */
export async function* searchFiles(
  sandboxId: string,
  query: SearchQuery,
  signal: AbortSignal,
): AsyncGenerator<SearchLine, void, undefined> {
  const envd = await openFiles(sandboxId);
  await envd.stat(query.path, signal);
  const places = await pathsToTraverse(envd, query.path, signal);
  const time = AbortSignal.timeout(WITHIN_MS);
  let hits = 0;
  try {
    for await (const hit of hitsOf(envd, query, places, AbortSignal.any([signal, time]))) {
      hits += 1;
      yield hit;
      if (hits < MAX_HITS) continue;
      yield { type: 'end', hits, cut: 'count' };
      return;
    }
  } catch (thrown) {
    if (!time.aborted || signal.aborted) throw thrown;
  }
  yield { type: 'end', hits, cut: time.aborted ? 'time' : null };
}

async function* hitsOf(
  envd: Envd,
  query: SearchQuery,
  places: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FileHit, void, undefined> {
  const { output, format } = await startSearch(envd, query, places, signal);
  for await (const hit of format(output.read(), query.text)) {
    // The place itself is no finding.
    if (hit.line !== null || hit.path !== query.path) yield hit;
  }
  if (output.exitCode === null) throw new FileError('unavailable', { message: 'The search broke off.' });
}

async function startSearch(
  envd: Envd,
  query: SearchQuery,
  places: readonly string[],
  signal: AbortSignal,
): Promise<{ output: GuestOutput; format: SearchFormat }> {
  for (const { cmd, args, format } of SEARCHERS[query.in]) {
    const output = new GuestOutput(envd, { cmd, args: args(query, places) }, WITHIN_MS + SLACK_MS, signal);
    try {
      if ((await output.begins()) || !isUnusable(output)) return { output, format };
    } catch (thrown) {
      const { code } = SandkeeperError.from(thrown);
      // There is no such program.
      if (code !== 'invalid') throw thrown;
    }
  }
  throw new SandkeeperError('conflict', 'This sandbox has no program that can search like this.');
}

/** It has ended, and not because it found nothing: it is no such program, or one that knows other options. */
function isUnusable({ exitCode, words }: GuestOutput): boolean {
  if (exitCode === 126 || exitCode === 127) return true;
  return exitCode !== 0 && /unrecogni[sz]ed|unknown|invalid option|illegal option/i.test(words);
}

/**
 * A line of JSON for each, as they come. Resolves with the first, so that a search that cannot begin fails as such.
 * Whoever stops reading ends the search.
 */
export async function linesOf(lines: AsyncGenerator<SearchLine>): Promise<ReadableStream<Uint8Array>> {
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

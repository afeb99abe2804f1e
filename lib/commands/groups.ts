import { isFinal, type OperationItem } from '../operations/schema';
import { NO_EXCERPT, type ResultGroup } from './schema';
import type { CommandSummary } from './store';

type Excerpts = (sandboxIds: readonly string[]) => Promise<ReadonlyMap<string, ResultGroup['excerpt']>>;

/**
 * Groups the finished sandboxes of a command by identical ending and output, or by reason if it never ran. Largest group
 * first.
 */
export function groupCommands(
  items: readonly OperationItem[],
  runs: readonly CommandSummary[],
): ResultGroup[] {
  const byId = new Map(runs.map((run) => [run.sandboxId, run]));
  const groups = new Map<string, ResultGroup>();
  for (const { sandboxId, outcome, message } of items) {
    if (!isFinal(outcome)) continue;
    const run = byId.get(sandboxId);
    const wasStarted = run !== undefined && run.ending !== 'refused';
    const key =
      wasStarted && run.fingerprint ? run.fingerprint : JSON.stringify([outcome, message, wasStarted]);
    const group = groups.get(key);
    if (group) group.sandboxIds.push(sandboxId);
    else {
      groups.set(key, {
        key,
        outcome,
        ending: run?.ending ?? null,
        exitCode: run?.exitCode ?? null,
        signal: run?.signal ?? null,
        message,
        sandboxIds: [sandboxId],
        wasStarted,
        excerpt: NO_EXCERPT,
      });
    }
  }
  return [...groups.values()].sort((one, other) => other.sandboxIds.length - one.sandboxIds.length);
}

/** Adds the first lines of output to each group. */
export async function withExcerpts(groups: readonly ResultGroup[], read: Excerpts): Promise<ResultGroup[]> {
  const firsts = groups.flatMap(({ sandboxIds: [first], wasStarted }) =>
    first !== undefined && wasStarted ? [first] : [],
  );
  const excerpts = await read(firsts);
  return groups.map((group) => ({
    ...group,
    excerpt: excerpts.get(group.sandboxIds[0] ?? '') ?? NO_EXCERPT,
  }));
}

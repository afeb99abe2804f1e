import { isFinal, type OperationItem } from '../operations/schema';
import type { SandboxKey } from '../sandbox-key';
import { NO_EXCERPT, type ResultGroup } from './schema';
import type { CommandSummary } from './store';

type Excerpts = (
  sandboxKeys: readonly SandboxKey[],
) => Promise<ReadonlyMap<SandboxKey, ResultGroup['excerpt']>>;

/**
 * Groups the finished sandboxes of a command by identical ending and output, or by reason if it never ran. Largest group
 * first.
 */
export function groupCommands(
  items: readonly OperationItem[],
  runs: readonly CommandSummary[],
): ResultGroup[] {
  const byId = new Map(runs.map((run) => [run.sandboxKey, run]));
  const groups = new Map<string, ResultGroup>();
  for (const { sandboxKey, outcome, message } of items) {
    if (!isFinal(outcome)) continue;
    const run = byId.get(sandboxKey);
    const wasStarted = run !== undefined && run.ending !== 'refused';
    const key =
      wasStarted && run.fingerprint ? run.fingerprint : JSON.stringify([outcome, message, wasStarted]);
    const group = groups.get(key);
    if (group) group.sandboxKeys.push(sandboxKey);
    else {
      groups.set(key, {
        key,
        outcome,
        ending: run?.ending ?? null,
        exitCode: run?.exitCode ?? null,
        signal: run?.signal ?? null,
        message,
        sandboxKeys: [sandboxKey],
        wasStarted,
        excerpt: NO_EXCERPT,
      });
    }
  }
  return [...groups.values()].sort((one, other) => other.sandboxKeys.length - one.sandboxKeys.length);
}

/** Adds the first lines of output to each group. */
export async function withExcerpts(groups: readonly ResultGroup[], read: Excerpts): Promise<ResultGroup[]> {
  const firsts = groups.flatMap(({ sandboxKeys: [first], wasStarted }) =>
    first !== undefined && wasStarted ? [first] : [],
  );
  const excerpts = await read(firsts);
  return groups.map((group) => {
    const [first] = group.sandboxKeys;
    return { ...group, excerpt: (first && excerpts.get(first)) ?? NO_EXCERPT };
  });
}

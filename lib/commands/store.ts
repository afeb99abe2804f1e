import 'server-only';
import type { Selectable } from 'kysely';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import { type ActParams, type Outcome, parseOutcome } from '../operations/schema';
import type { SandboxKey } from '../sandbox-key';
import {
  type CommandEntry,
  type CommandHistory,
  type CommandRecord,
  type Excerpt,
  NO_OUTPUT,
  type OutputText,
  parseCommandEnding,
  USUAL_LIMIT_MS,
} from './schema';
import type { ErrorEnd } from './words';

/** One sandbox of one operation. */
export type CommandId = { operationId: string; sandboxKey: SandboxKey };
export type EndedCommand = CommandRecord & {
  ending: NonNullable<CommandRecord['ending']>;
  fingerprint: string | null;
};

const MAX_ENTRIES = 100;
const MAX_TYPED = 60;
const EXCERPT_CHARS = 2_000;

/** Records that a command is about to be sent. Returns false if it is already recorded: then it must not be sent. */
export async function recordCommandStart(
  { operationId, sandboxKey }: CommandId,
  atMs: number,
): Promise<boolean> {
  const db = await database();
  const inserted = await db
    .insertInto('operation_commands')
    .values({ operation_id: operationId, sandbox_key: sandboxKey, started_at_ms: atMs })
    .onConflict((conflict) => conflict.columns(['operation_id', 'sandbox_key']).doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows !== 0n;
}

/** Records how a command ended. Keeps an earlier record. */
export async function recordCommandEnd(
  { operationId, sandboxKey }: CommandId,
  run: EndedCommand,
): Promise<void> {
  const db = await database();
  await db
    .updateTable('operation_commands')
    .set({
      ending: run.ending,
      exit_code: run.exitCode,
      signal: run.signal,
      pid: run.pid,
      took_ms: run.tookMs,
      stdout: JSON.stringify(run.stdout),
      stderr: JSON.stringify(run.stderr),
      excerpt: JSON.stringify(excerptOf(run)),
      fingerprint: run.fingerprint,
    })
    .where('operation_id', '=', operationId)
    .where('sandbox_key', '=', sandboxKey)
    .where('ending', 'is', null)
    .execute();
}

function excerptOf({ stdout, stderr }: Pick<CommandRecord, 'stdout' | 'stderr'>): Excerpt {
  return {
    stdout: stdout.head.slice(0, EXCERPT_CHARS),
    stderr: stderr.head.slice(0, EXCERPT_CHARS),
    stdoutBytes: stdout.totalBytes,
    stderrBytes: stderr.totalBytes,
  };
}

/** Excerpts of earlier versions have no sizes: what is missing then counts as nothing. */
function parseExcerpt(text: string): Excerpt {
  const { stdout, stderr, ...sizes } = JSON.parse(text) as Pick<Excerpt, 'stdout' | 'stderr'> &
    Partial<Excerpt>;
  return {
    stdout,
    stderr,
    stdoutBytes: sizes.stdoutBytes ?? Buffer.byteLength(stdout),
    stderrBytes: sizes.stderrBytes ?? Buffer.byteLength(stderr),
  };
}

/** `null` if no command was sent to this sandbox. */
export async function findCommand({ operationId, sandboxKey }: CommandId): Promise<CommandRecord | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_commands')
    .selectAll()
    .where('operation_id', '=', operationId)
    .where('sandbox_key', '=', sandboxKey)
    .executeTakeFirst();
  return row ? toRecord(row) : null;
}

/** The records of these sandboxes, by id. The caller reads in chunks to limit memory. */
export async function readCommands(
  operationId: string,
  sandboxKeys: readonly SandboxKey[],
): Promise<Map<SandboxKey, CommandRecord>> {
  if (sandboxKeys.length === 0) return new Map();
  const db = await database();
  const rows = await db
    .selectFrom('operation_commands')
    .selectAll()
    .where('operation_id', '=', operationId)
    .where('sandbox_key', 'in', [...sandboxKeys])
    .execute();
  return new Map(rows.map((row) => [row.sandbox_key, toRecord(row)]));
}

/** A record without its outputs. */
export type CommandSummary = Pick<CommandRecord, 'ending' | 'exitCode' | 'signal'> & {
  sandboxKey: SandboxKey;
  fingerprint: string | null;
};

export async function listCommandSummaries(operationId: string): Promise<CommandSummary[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operation_commands')
    .select(['sandbox_key', 'ending', 'exit_code', 'signal', 'fingerprint'])
    .where('operation_id', '=', operationId)
    .execute();
  return rows.map((row) => ({
    sandboxKey: row.sandbox_key,
    ending: parseCommandEnding(row.ending),
    exitCode: row.exit_code,
    signal: row.signal,
    fingerprint: row.fingerprint,
  }));
}

/** The first lines of output in these sandboxes. */
export async function readExcerpts(
  operationId: string,
  sandboxKeys: readonly SandboxKey[],
): Promise<Map<SandboxKey, Excerpt>> {
  if (sandboxKeys.length === 0) return new Map();
  const db = await database();
  const rows = await db
    .selectFrom('operation_commands')
    .select(['sandbox_key', 'excerpt'])
    .where('operation_id', '=', operationId)
    .where('sandbox_key', 'in', [...sandboxKeys])
    .execute();
  return new Map(
    rows.flatMap(({ sandbox_key, excerpt }): [SandboxKey, Excerpt][] =>
      excerpt === null ? [] : [[sandbox_key, parseExcerpt(excerpt)]],
    ),
  );
}

/** How the commands of these operations ended, without exit code 0, by operation. Most frequent first. */
export async function listErrorEnds(operationIds: readonly string[]): Promise<Map<string, ErrorEnd[]>> {
  const found = new Map<string, ErrorEnd[]>();
  if (operationIds.length === 0) return found;
  const db = await database();
  const rows = await db
    .selectFrom('operation_commands')
    .select(({ fn }) => [
      'operation_id',
      'ending',
      'exit_code',
      'signal',
      fn.countAll<number | string>().as('count'),
    ])
    .where('operation_id', 'in', [...operationIds])
    .where(({ eb, and, or }) =>
      or([
        eb('ending', '=', 'signalled'),
        and([eb('ending', 'in', ['exited', 'held']), eb('exit_code', '<>', 0)]),
      ]),
    )
    .groupBy(['operation_id', 'ending', 'exit_code', 'signal'])
    .execute();
  for (const row of rows) {
    const ending = parseCommandEnding(row.ending);
    if (ending === null) continue;
    const ends = found.get(row.operation_id) ?? [];
    ends.push({ ending, exitCode: row.exit_code, signal: row.signal, count: Number(row.count) });
    found.set(row.operation_id, ends);
  }
  for (const ends of found.values()) ends.sort((one, other) => other.count - one.count);
  return found;
}

/** The sandboxes to which a command was or may have been sent. */
export async function listStarted(operationId: string): Promise<Set<SandboxKey>> {
  const runs = await listCommandSummaries(operationId);
  return new Set(runs.flatMap(({ sandboxKey, ending }) => (ending === 'refused' ? [] : [sandboxKey])));
}

export async function readCommandHistory(sandboxKey: SandboxKey, userId: string): Promise<CommandHistory> {
  const [entries, typed] = await Promise.all([listEntries(sandboxKey, userId), listTyped(userId)]);
  return { entries, typed };
}

async function listEntries(sandboxKey: SandboxKey, userId: string): Promise<CommandEntry[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operation_items as item')
    .innerJoin('operations as operation', 'operation.id', 'item.operation_id')
    .leftJoin('operation_commands as run', (join) =>
      join
        .onRef('run.operation_id', '=', 'item.operation_id')
        .onRef('run.sandbox_key', '=', 'item.sandbox_key'),
    )
    .select([
      'operation.id',
      'operation.params',
      'operation.actor_id',
      'operation.actor',
      'operation.created_at_ms',
      'item.outcome',
      'run.started_at_ms',
      'run.ending',
      'run.exit_code',
      'run.signal',
      'run.took_ms',
    ])
    // The outputs are too large to read for a list. A quote within an output is escaped in JSON.
    .select(({ eb, and }) =>
      and([eb('run.excerpt', 'is not', null), eb('run.excerpt', 'not like', '%,"stderr":""%')]).as(
        'has_stderr',
      ),
    )
    .select(({ selectFrom }) =>
      selectFrom('operation_items as each')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .whereRef('each.operation_id', '=', 'operation.id')
        .as('count'),
    )
    .where('item.sandbox_key', '=', sandboxKey)
    .where('operation.act', '=', 'run')
    .orderBy('operation.created_at_ms', 'desc')
    .orderBy('operation.id', 'desc')
    .limit(MAX_ENTRIES)
    .execute();
  return rows.map((row) => {
    const { command = '', cwd = null, limitMs = USUAL_LIMIT_MS } = JSON.parse(row.params) as ActParams;
    return {
      operationId: row.id,
      command,
      cwd,
      limitMs,
      isMine: row.actor_id === userId,
      actor: row.actor,
      atMs: Number(row.created_at_ms),
      sandboxCount: Number(row.count),
      outcome: outcomeOf(row.outcome, row.started_at_ms !== null),
      ending: parseCommandEnding(row.ending),
      exitCode: row.exit_code,
      signal: row.signal,
      hasStderr: Boolean(row.has_stderr),
      tookMs: row.took_ms === null ? null : Number(row.took_ms),
    };
  });
}

/** An item stays `waiting` in the database while its command runs. */
function outcomeOf(text: string, wasStarted: boolean): Outcome {
  const outcome = parseOutcome(text);
  return outcome === 'waiting' && wasStarted ? 'sending' : outcome;
}

async function listTyped(userId: string): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operations')
    .select('params')
    .where('act', '=', 'run')
    .where('actor_id', '=', userId)
    .orderBy('created_at_ms', 'desc')
    .limit(4 * MAX_TYPED)
    .execute();
  const commands = rows.flatMap(({ params }) => (JSON.parse(params) as ActParams).command ?? []);
  return [...new Set(commands)].slice(0, MAX_TYPED);
}

function toRecord(row: Selectable<Database['operation_commands']>): CommandRecord {
  return {
    startedAtMs: Number(row.started_at_ms),
    ending: parseCommandEnding(row.ending),
    exitCode: row.exit_code,
    signal: row.signal,
    tookMs: row.took_ms === null ? null : Number(row.took_ms),
    pid: row.pid,
    stdout: outputOf(row.stdout),
    stderr: outputOf(row.stderr),
  };
}

function outputOf(text: string | null): OutputText {
  return text === null ? NO_OUTPUT : (JSON.parse(text) as OutputText);
}

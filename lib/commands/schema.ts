import type { Outcome } from '../operations/schema';

/** Commands run in sandboxes, as everybody knows them. Runs anywhere. */

/**
 * How a command ended.
 *
 * - `exited`: by itself, with an exit code; `signalled`: by a signal that was not ours.
 * - `limit`: killed because its time was up; `stopped`: killed because somebody stopped it.
 * - `lost`: nobody can tell whether it ended; `refused`: it was never started.
 */
export const COMMAND_ENDINGS = ['exited', 'signalled', 'limit', 'stopped', 'lost', 'refused'] as const;
export type CommandEnding = (typeof COMMAND_ENDINGS)[number];

/** The ending in `text`, or `null`. */
export function parseCommandEnding(text: string | null): CommandEnding | null {
  return COMMAND_ENDINGS.find((ending) => ending === text) ?? null;
}

/** What a command wrote to one of its two outputs: the beginning and, where something is left out, the end. */
export type OutputText = {
  head: string;
  tail: string;
  /** How much is left out between them. */
  leftOutBytes: number;
  totalBytes: number;
  /** Something in it is no UTF-8, and is shown as U+FFFD. */
  isBroken: boolean;
};

export const NO_OUTPUT: OutputText = { head: '', tail: '', leftOutBytes: 0, totalBytes: 0, isBroken: false };

/** What became of a command in one sandbox, as far as it went. */
export type CommandRecord = {
  startedAtMs: number;
  /** `null` while it runs. */
  ending: CommandEnding | null;
  /** Where it ended by itself. */
  exitCode: number | null;
  /** Which signal ended it, such as `killed`. */
  signal: string | null;
  tookMs: number | null;
  stdout: OutputText;
  stderr: OutputText;
};

export type OutputName = 'stdout' | 'stderr';

/** What was written since the last time; `skippedBytes` came before it, too quickly to be told. */
export type OutputPiece = { text: string; skippedBytes: number; totalBytes: number };

/** What the `run` channel says. After `ended` and `refused` nothing more comes. */
export type CommandEvent =
  | { kind: 'waiting' }
  | { kind: 'output'; startedAtMs: number; stdout: OutputText; stderr: OutputText }
  | { kind: 'more'; stdout?: OutputPiece; stderr?: OutputPiece }
  | { kind: 'ended'; run: CommandRecord | null; outcome: Outcome; message: string | null }
  | { kind: 'refused'; message: string };

/** The key of the `run` channel: one sandbox of one operation. */
export function runKey(operationId: string, sandboxId: string): string {
  return `${operationId} ${sandboxId}`;
}

/** Sandboxes in which a command ended alike and wrote the same. */
export type ResultGroup = {
  key: string;
  outcome: Outcome;
  ending: CommandEnding | null;
  exitCode: number | null;
  signal: string | null;
  /** Why, where it did not run to its end. */
  message: string | null;
  sandboxIds: string[];
  /** Whether it was ever sent there: such a command is not sent again by a retry. */
  wasStarted: boolean;
  /** The first lines of each output. */
  excerpt: { stdout: string; stderr: string };
};

/** One command in the history of a sandbox. */
export type CommandEntry = {
  operationId: string;
  command: string;
  cwd: string | null;
  limitMs: number;
  actor: string;
  atMs: number;
  /** In how many sandboxes it was run at once. */
  sandboxCount: number;
  outcome: Outcome;
  ending: CommandEnding | null;
  exitCode: number | null;
  signal: string | null;
  tookMs: number | null;
};

/** What was run in a sandbox, and what the person who asks typed lately, anywhere; both newest first. */
export type CommandHistory = { entries: CommandEntry[]; typed: string[] };

/** How long a command line may be, characters. */
export const MAX_COMMAND_CHARS = 16_000;
export const MAX_CWD_CHARS = 4_096;
export const MIN_LIMIT_MS = 1_000;
export const USUAL_LIMIT_MS = 60_000;
export const MAX_LIMIT_MS = 3_600_000;
/** Of each output, so much of its beginning and as much of its end is kept. */
export const KEPT_BYTES = 128 * 1024;

/** The whole of what is kept as one text, with a line that says what is left out. */
export function outputAsText({ head, tail, leftOutBytes }: OutputText): string {
  return leftOutBytes === 0 ? head + tail : `${head}\n[… ${leftOutBytes} bytes left out …]\n${tail}`;
}

/** `before` and what came after it, bounded as the server bounds it, by characters. */
export function withPiece(before: OutputText, { text, skippedBytes, totalBytes }: OutputPiece): OutputText {
  const isBroken = before.isBroken || text.includes('\uFFFD');
  const fits = before.leftOutBytes === 0 && skippedBytes === 0 && before.tail === '';
  if (fits && before.head.length + text.length <= KEPT_BYTES)
    return { ...before, head: before.head + text, totalBytes, isBroken };
  // What lies before a gap is no longer the end.
  const gone = skippedBytes > 0 ? before.tail : '';
  const tail = (skippedBytes > 0 ? '' : before.tail) + text;
  const cut = tail.slice(0, Math.max(0, tail.length - KEPT_BYTES));
  return {
    head: before.head,
    tail: tail.slice(cut.length),
    leftOutBytes: before.leftOutBytes + skippedBytes + sizeOf(gone) + sizeOf(cut),
    totalBytes,
    isBroken,
  };
}

function sizeOf(text: string): number {
  return text === '' ? 0 : new TextEncoder().encode(text).length;
}

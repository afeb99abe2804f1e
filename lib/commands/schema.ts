import type { Outcome } from '../operations/schema';
import type { SandboxKey } from '../sandbox-key';

/**
 * How a command ended.
 *
 * - `exited`: on its own, with an exit code; `signalled`: by a signal that Sandkeeper did not send.
 * - `held`: like `exited`, while another process still held its output open.
 * - `limit`: killed at its time limit; `stopped`: killed because the operation was stopped.
 * - `lost`: unknown, because the connection was lost; `refused`: never started.
 */
export const COMMAND_ENDINGS = [
  'exited',
  'held',
  'signalled',
  'limit',
  'stopped',
  'lost',
  'refused',
] as const;
export type CommandEnding = (typeof COMMAND_ENDINGS)[number];

export function parseCommandEnding(text: string | null): CommandEnding | null {
  return COMMAND_ENDINGS.find((ending) => ending === text) ?? null;
}

/** The beginning of an output and, if it was too long, its end. */
export type OutputText = {
  head: string;
  tail: string;
  /** Bytes omitted between head and tail. */
  leftOutBytes: number;
  totalBytes: number;
  /** Contains invalid UTF-8, shown as U+FFFD. */
  isBroken: boolean;
};

export const NO_OUTPUT: OutputText = { head: '', tail: '', leftOutBytes: 0, totalBytes: 0, isBroken: false };

export type CommandRecord = {
  startedAtMs: number;
  /** `null` while it runs. */
  ending: CommandEnding | null;
  /** Set if it exited on its own. */
  exitCode: number | null;
  /** The signal that ended it, such as `killed`. */
  signal: string | null;
  tookMs: number | null;
  /** The shell, as numbered in its sandbox. `null` if it was never started. */
  pid: number | null;
  stdout: OutputText;
  stderr: OutputText;
};

export type OutputName = 'stdout' | 'stderr';

/** New output. `skippedBytes` before it were written too fast to be sent. */
export type OutputPiece = { text: string; skippedBytes: number; totalBytes: number };

/** An event of the `run` channel. `ended` and `refused` are the last. */
export type CommandEvent =
  | { kind: 'waiting' }
  | { kind: 'output'; startedAtMs: number; stdout: OutputText; stderr: OutputText }
  | { kind: 'more'; stdout?: OutputPiece; stderr?: OutputPiece }
  /** Nothing arrives until the next `output`, for this reason. */
  | { kind: 'interrupted'; message: string }
  | { kind: 'ended'; run: CommandRecord | null; outcome: Outcome; message: string | null }
  /** Nobody holds the output of an ended shell open any more, or it cannot be followed. */
  | { kind: 'released'; message: string }
  | { kind: 'refused'; message: string };

/** The key of the channels `run` and `held`: one sandbox of one operation. */
export function runKey(operationId: string, sandboxKey: SandboxKey): string {
  return `${operationId} ${sandboxKey}`;
}

/** The beginning of each output, and the size of the whole output. */
export type Excerpt = { stdout: string; stderr: string; stdoutBytes: number; stderrBytes: number };

export const NO_EXCERPT: Excerpt = { stdout: '', stderr: '', stdoutBytes: 0, stderrBytes: 0 };

/** Sandboxes in which a command had the same ending and output. */
export type ResultGroup = {
  key: string;
  outcome: Outcome;
  ending: CommandEnding | null;
  exitCode: number | null;
  signal: string | null;
  /** The reason, if it did not run to its end. */
  message: string | null;
  sandboxKeys: SandboxKey[];
  /** Whether it was ever sent. A retry does not send it again. */
  wasStarted: boolean;
  excerpt: Excerpt;
};

export type CommandEntry = {
  operationId: string;
  command: string;
  cwd: string | null;
  limitMs: number;
  /** Whether the viewer sent it. */
  isMine: boolean;
  actor: string;
  atMs: number;
  sandboxCount: number;
  outcome: Outcome;
  ending: CommandEnding | null;
  exitCode: number | null;
  signal: string | null;
  /** Whether it wrote to stderr. */
  hasStderr: boolean;
  tookMs: number | null;
};

/** The commands run in a sandbox, and the viewer's recent commands in any sandbox. Both newest first. */
export type CommandHistory = { entries: CommandEntry[]; typed: string[] };

export const MAX_COMMAND_CHARS = 16_000;
export const MAX_CWD_CHARS = 4_096;
export const MIN_LIMIT_MS = 1_000;
export const USUAL_LIMIT_MS = 60_000;
export const MAX_LIMIT_MS = 3_600_000;
/** This much of the beginning and of the end of each output is kept. */
export const KEPT_BYTES = 128 * 1024;

/** The kept output as one text, with a line for the omitted part. */
export function outputAsText({ head, tail, leftOutBytes }: OutputText): string {
  return leftOutBytes === 0 ? head + tail : `${head}\n[… ${leftOutBytes} bytes omitted …]\n${tail}`;
}

/** Appends new output, with the same limit as on the server but in characters. */
export function withPiece(before: OutputText, { text, skippedBytes, totalBytes }: OutputPiece): OutputText {
  const isBroken = before.isBroken || text.includes('\uFFFD');
  const fits = before.leftOutBytes === 0 && skippedBytes === 0 && before.tail === '';
  if (fits && before.head.length + text.length <= KEPT_BYTES)
    return { ...before, head: before.head + text, totalBytes, isBroken };
  // A gap replaces the previous tail.
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

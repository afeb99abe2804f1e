import { z } from 'zod';
import type { OutputPiece, OutputText } from '../commands/schema';
import { SandboxKey } from '../sandbox-key';

/** The processes of a sandbox, for the server and the browser. All text in them is untrusted. */

/** A process that was started through the API, by an SDK, a console or a command. */
export type ProcessInfo = {
  pid: number;
  /** The program and its arguments, truncated to 4000 characters. */
  command: string;
  cwd: string | null;
  /** A label chosen by the client that started it. */
  tag: string | null;
  /** A hash of the command. It tells this process from a later one with the same pid. */
  mark: string;
};

export type ProcessList = {
  processes: ProcessInfo[];
  /** Whether there are more processes than the list holds. */
  isCut: boolean;
  /** When the list was read, by the server's clock. */
  atMs: number;
};

/** A process as the sandbox's kernel reports it, however it was started. */
export type InsideProcess = {
  pid: number;
  parentPid: number;
  command: string;
  uid: number;
  /** The kernel's letter: `R` runs, `S` sleeps, `Z` is a zombie. */
  state: string;
  /** The time of its start after boot, in clock ticks. With the pid, it identifies the process. */
  startTicks: number;
  startedAtMs: number;
  /** Processor time since its start, ms. */
  cpuMs: number;
  memoryBytes: number;
  hasTerminal: boolean;
  /** Without it, the sandbox cannot be reached. It cannot be signalled. */
  isEssential: boolean;
};

export type InsideList = { processes: InsideProcess[]; isCut: boolean; atMs: number };

/** The signals that envd can send. */
export const PROCESS_SIGNALS = ['TERM', 'KILL'] as const;
export type ProcessSignal = (typeof PROCESS_SIGNALS)[number];

/** Names one process of one sandbox. */
export const ProcessRequest = z.strictObject({
  sandboxKey: SandboxKey,
  pid: z.int().min(1).max(0xffff_ffff),
  mark: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'This is not the mark of a process.'),
});
export type ProcessRequest = z.infer<typeof ProcessRequest>;

/** Names one process of one sandbox, however it was started. */
export const InsideRequest = z.strictObject({
  sandboxKey: SandboxKey,
  pid: z.int().min(1).max(0xffff_ffff),
  startTicks: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});
export type InsideRequest = z.infer<typeof InsideRequest>;

/** The key of the `process` channel. */
export function processKey({ sandboxKey, pid, mark }: ProcessRequest): string {
  return `${sandboxKey} ${pid} ${mark}`;
}

/**
 * The events of the channel `process`. `ended` and `refused` are final. `waiting`: nothing arrives until the next `output`.
 * `continuedMs`: when following continued after the last interruption, `null` if there was none.
 */
export type AttachmentEvent =
  | { kind: 'output'; sinceMs: number; continuedMs: number | null; text: OutputText }
  | { kind: 'waiting'; words: string }
  | { kind: 'more'; text: OutputPiece }
  | { kind: 'ended'; words: string }
  | { kind: 'refused'; message: string };

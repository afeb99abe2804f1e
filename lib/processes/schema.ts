import { z } from 'zod';
import type { OutputPiece, OutputText } from '../commands/schema';
import { SandboxId } from '../sandbox/schema';

/** The processes of a sandbox, as everybody knows them. Runs anywhere; texts in it are the sandbox's own. */

/** A process that was started from outside. */
export type ProcessInfo = {
  pid: number;
  /** The program with its arguments, cut where it is very long. */
  command: string;
  cwd: string | null;
  /** What whoever started it calls it. */
  tag: string | null;
  /** The same for the same command: a number may be given to another process. */
  mark: string;
};

export type ProcessList = {
  processes: ProcessInfo[];
  /** There are more. */
  isCut: boolean;
  /** When it was read, by the server's clock. */
  atMs: number;
};

/** A process as the sandbox's own system knows it, started from wherever. */
export type InsideProcess = {
  pid: number;
  parentPid: number;
  command: string;
  uid: number;
  /** One letter, as the kernel has it: `R` runs, `S` sleeps, `Z` has ended and waits to be noticed. */
  state: string;
  startedAtMs: number;
  /** Processor time since it began, ms. */
  cpuMs: number;
  memoryBytes: number;
  /** Whether it has a terminal. */
  hasTerminal: boolean;
};

export type InsideList = { processes: InsideProcess[]; isCut: boolean; atMs: number };

/** What can be sent to a process; other signals the service does not know. */
export const PROCESS_SIGNALS = ['TERM', 'KILL'] as const;
export type ProcessSignal = (typeof PROCESS_SIGNALS)[number];

/** Which process of which sandbox is meant. */
export const ProcessRequest = z.strictObject({
  sandboxId: SandboxId,
  pid: z.int().min(1).max(0xffff_ffff),
  mark: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'That is not the mark of a process.'),
});
export type ProcessRequest = z.infer<typeof ProcessRequest>;

/** The key of the `process` channel. */
export function processKey({ sandboxId, pid, mark }: ProcessRequest): string {
  return `${sandboxId} ${pid} ${mark}`;
}

/** What the `process` channel says. After `ended` and `refused` nothing more comes. */
export type ProcessEvent =
  | { kind: 'output'; sinceMs: number; text: OutputText }
  | { kind: 'more'; text: OutputPiece }
  | { kind: 'ended'; words: string }
  | { kind: 'refused'; message: string };

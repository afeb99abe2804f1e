import { z } from 'zod';
import { SandboxKey } from '../sandbox-key';

/** Types of consoles, for the server and the browser. */

export const TerminalSize = z.strictObject({
  cols: z.number().int().min(2).max(1_000),
  rows: z.number().int().min(1).max(1_000),
});
export type TerminalSize = z.infer<typeof TerminalSize>;

export const ConsoleId = z.string().regex(/^[A-Za-z0-9_-]{16,32}$/);

/** The name of a Linux user in the sandbox. */
export const SandboxUserName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'Use up to 32 letters, digits, “_”, “.” or “-”.');

/** Where the shell starts. `~` is the user's home folder. */
export const StartFolder = z
  .string()
  .max(4096)
  .regex(/^(\/|~(\/|$))[^\0]*$/, 'Start with “/” or “~”.');

export const ConsoleName = z
  .string()
  .trim()
  .max(40, 'Use up to 40 characters.')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are forbidden.
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'Use one line without control characters.');

export const ConsoleRequest = z.strictObject({
  sandboxKey: SandboxKey,
  user: SandboxUserName.nullable(),
  cwd: StartFolder.nullable(),
  size: TerminalSize,
});
export type ConsoleRequest = z.infer<typeof ConsoleRequest>;

export const CONSOLE_ENDINGS = [
  'exited',
  'closed',
  'idle',
  'too_long',
  'signed_out',
  'server_stopped',
  'gone',
  'vanished',
  'unreachable',
] as const;
export type ConsoleEnding = (typeof CONSOLE_ENDINGS)[number];

/**
 * `paused`: the sandbox is paused, and the shell with it. `unreachable`: the connection to the shell was lost and is
 * retried. `ended` is final.
 */
export type ConsoleState = 'starting' | 'open' | 'paused' | 'unreachable' | 'ended';

/** One console, as shown to one person. */
export type ConsoleInfo = {
  id: string;
  sandboxKey: SandboxKey;
  /** Counted per sandbox, from 1. */
  number: number;
  /** Chosen by a person; `null` if it has no name. */
  name: string | null;
  shell: string;
  user: string | null;
  state: ConsoleState;
  /** `exitCode` is -1 if a signal ended the shell. */
  ending: { how: ConsoleEnding; exitCode: number | null } | null;
  /** The person who opened it, or who took it over last. */
  owner: string;
  isMine: boolean;
  /** The person who types; `null` while none of the owner's tabs shows the console. */
  driver: string | null;
  /** The names of the other people who show it. */
  watchers: string[];
  size: TerminalSize;
  /** Set shortly before the console is ended automatically. `atMs` is by the server's clock. */
  endsSoon: { atMs: number; why: 'idle' | 'too_long' } | null;
};

/** Events of the channel `consoles`, keyed by sandbox id. Each lists all consoles of the sandbox. */
export type ConsolesEvent =
  | { kind: 'list'; consoles: ConsoleInfo[]; sentAtMs: number }
  | { kind: 'forbidden'; needs: string };

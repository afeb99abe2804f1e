import { z } from 'zod';
import { SandboxId } from '../sandbox/schema';

/** What tab, server and actions say of consoles. Runs anywhere. */

export const TerminalSize = z.strictObject({
  cols: z.number().int().min(2).max(1_000),
  rows: z.number().int().min(1).max(1_000),
});
export type TerminalSize = z.infer<typeof TerminalSize>;

export const ConsoleId = z.string().regex(/^[A-Za-z0-9_-]{16,32}$/);

/** The name of a user as Linux has them, or nothing for the sandbox's default one. */
export const GuestUserName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'A user name has up to 32 letters, digits, “_”, “.” or “-”.');

/** Where the shell starts; `~` stands for the user's home. */
export const StartFolder = z
  .string()
  .max(4096)
  .regex(/^(\/|~(\/|$))[^\0]*$/, 'A start folder begins with “/” or “~”.');

export const ConsoleName = z
  .string()
  .trim()
  .max(40, 'A name has up to 40 characters.')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be in there.
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'A name is one line.');

export const ConsoleRequest = z.strictObject({
  sandboxId: SandboxId,
  user: GuestUserName.nullable(),
  cwd: StartFolder.nullable(),
  size: TerminalSize,
});
export type ConsoleRequest = z.infer<typeof ConsoleRequest>;

/** How a console ended. */
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
 * `starting`, `open`; `paused`: its sandbox is, with the shell in it; `unreachable`: the sandbox should be there, and is
 * tried again; `ended`: for good.
 */
export type ConsoleState = 'starting' | 'open' | 'paused' | 'unreachable' | 'ended';

/** One console as its viewers know it. */
export type ConsoleInfo = {
  id: string;
  sandboxId: string;
  /** Counted within its sandbox, from 1. */
  number: number;
  /** What somebody called it: their text. */
  name: string | null;
  shell: string;
  user: string | null;
  state: ConsoleState;
  /** How it ended and with which exit code, where there is one; -1 for a signal. */
  ending: { how: ConsoleEnding; exitCode: number | null } | null;
  /** Whose it is: of who opened it, or took it over last. */
  owner: string;
  isMine: boolean;
  /** Who types, `null` while nobody is attached who may. */
  driver: string | null;
  /** Who else looks, by name. */
  watchers: string[];
  size: TerminalSize;
  /** When it will be ended soon and why, by the server's clock; `null` while that is far away. */
  endsSoon: { atMs: number; why: 'idle' | 'too_long' } | null;
};

/** Events of the channel `consoles`, keyed by the sandbox: all of them, whenever one changes. */
export type ConsolesEvent =
  | { kind: 'list'; consoles: ConsoleInfo[]; sentAtMs: number }
  | { kind: 'forbidden'; needs: string };

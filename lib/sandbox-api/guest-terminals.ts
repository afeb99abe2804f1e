import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import type { ConnectEndpoint } from './connect';
import { ConnectRefusal, callConnect, streamConnect } from './connect';
import { attempt, type EnvdCaller, inTime } from './envd-caller';

/**
 * The terminals of a running sandbox: processes with a PTY (docs/protocol.md#envd-starting-a-process). What they write
 * is bytes, as they are.
 */
export type GuestTerminals = {
  /**
   * Starts a program with a PTY and follows it to its end. It lives as long as it likes: no deadline is sent, for that
   * would be its death. Leaving early leaves the process alone. Not reading on holds its output back.
   */
  openTerminal(input: TerminalRequest, signal: AbortSignal): AsyncGenerator<TerminalEvent, void, undefined>;
  /** Follows a process that is there already, from now on: what it wrote before does not come again. */
  followTerminal(pid: number, signal: AbortSignal): AsyncGenerator<TerminalEvent, void, undefined>;
  /** Types. Calls that overlap may arrive in any order. */
  typeInto(pid: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  resizeTerminal(pid: number, size: TerminalSize, signal: AbortSignal): Promise<void>;
  /** The processes that were started from outside, with the mark that each was given. */
  listTagged(signal: AbortSignal): Promise<{ pid: number; tag: string }[]>;
};

export type TerminalSize = { cols: number; rows: number };

/** `user`: one of the sandbox's; `null`: its default one. `cwd`: `null` for that user's home, else it must be there. */
export type TerminalRequest = {
  cmd: string;
  args: readonly string[];
  user: string | null;
  cwd: string | null;
  envs: Readonly<Record<string, string>>;
  size: TerminalSize;
  tag: string;
};

/** `end`: `exitCode` is -1 where a signal ended it. */
export type TerminalEvent =
  | { kind: 'start'; pid: number }
  | { kind: 'output'; bytes: Buffer }
  | { kind: 'end'; exitCode: number };

export function guestTerminals(door: EnvdCaller): GuestTerminals {
  const { endpoint } = door;
  return {
    async *openTerminal({ cmd, args, user, cwd, envs, size, tag }, signal) {
      const message = {
        process: { cmd, args, envs, ...(cwd === null ? {} : { cwd }) },
        pty: { size },
        tag,
      };
      try {
        for await (const event of streamConnect(asUser(endpoint, user), 'process.Process/Start', message, {
          signal,
        }))
          yield* eventsOf(event);
      } catch (thrown) {
        throw await explainStart(door, thrown, { user, cwd, cmd });
      }
    },

    async *followTerminal(pid, signal) {
      try {
        for await (const event of streamConnect(
          endpoint,
          'process.Process/Connect',
          { process: { pid } },
          { signal },
        ))
          yield* eventsOf(event);
      } catch (thrown) {
        if (thrown instanceof ConnectRefusal && thrown.code === 'not_found')
          throw new SandkeeperError('not_found', 'The shell is no longer there.', {
            cause: thrown,
            problem: SHELL_GONE,
          });
        throw await door.explain(thrown, 'following a terminal');
      }
    },

    async typeInto(pid, bytes, signal) {
      const message = { process: { pid }, input: { pty: Buffer.from(bytes).toString('base64') } };
      await attempt(door, 'typing into a terminal', () =>
        callConnect(endpoint, 'process.Process/SendInput', message, inTime(signal)),
      );
    },

    async resizeTerminal(pid, size, signal) {
      await attempt(door, 'resizing a terminal', () =>
        callConnect(endpoint, 'process.Process/Update', { process: { pid }, pty: { size } }, inTime(signal)),
      );
    },

    async listTagged(signal) {
      const answer = await attempt(door, 'listing its processes', () =>
        callConnect(endpoint, 'process.Process/List', {}, inTime(signal)),
      );
      const parsed = WireTags.safeParse(answer);
      if (!parsed.success) return [];
      return parsed.data.processes.flatMap(({ pid, tag }) => (tag === undefined ? [] : { pid, tag }));
    },
  };
}

/** The service takes the user by name from this header, and nothing of it is a secret. */
function asUser({ baseUrl, headers }: ConnectEndpoint, user: string | null): ConnectEndpoint {
  if (user === null) return { baseUrl, headers };
  return {
    baseUrl,
    headers: { ...headers, authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` },
  };
}

/** What was wrong with the input, as far as the refusal tells; else what became of the sandbox. */
async function explainStart(
  door: EnvdCaller,
  thrown: unknown,
  { user, cwd, cmd }: Pick<TerminalRequest, 'user' | 'cwd' | 'cmd'>,
): Promise<SandkeeperError> {
  if (!(thrown instanceof ConnectRefusal)) return door.explain(thrown, 'starting a shell');
  const details = { cause: thrown };
  if (thrown.code === 'unauthenticated' && user !== null)
    return new SandkeeperError('invalid', `The sandbox has no user “${user}”.`, details);
  if (thrown.code !== 'invalid_argument') return door.explain(thrown, 'starting a shell');
  if (cwd !== null && /cwd|director/i.test(thrown.message))
    return new SandkeeperError('invalid', `The sandbox has no folder “${cwd}”.`, details);
  return new SandkeeperError('invalid', `The sandbox could not start ${cmd}.`, {
    ...details,
    problem: CANNOT_START,
  });
}

/** What is wrong where a program cannot be started at all. */
export const CANNOT_START = 'cannot_start';
/** What is wrong where the process has ended and its sandbox has not. */
export const SHELL_GONE = 'shell_gone';

const Pid = z.number().int().positive();

const WireTags = z.object({
  processes: z.array(z.object({ pid: Pid, tag: z.string().optional() })).default([]),
});

const WireEvent = z.object({
  event: z.object({
    start: z.object({ pid: Pid }).optional(),
    data: z.object({ pty: z.string().optional() }).optional(),
    // Defaults are left out on this wire: an exit status of 0 is absent.
    end: z.object({ exitCode: z.number().default(0) }).optional(),
  }),
});

function* eventsOf(message: unknown): Generator<TerminalEvent, void, undefined> {
  const parsed = WireEvent.safeParse(message);
  if (!parsed.success) return;
  const { start, data, end } = parsed.data.event;
  if (start) yield { kind: 'start', pid: start.pid };
  if (data?.pty) yield { kind: 'output', bytes: Buffer.from(data.pty, 'base64') };
  if (end) yield { kind: 'end', exitCode: end.exitCode };
}

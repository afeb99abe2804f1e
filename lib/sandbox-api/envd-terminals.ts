import 'server-only';
import { SandkeeperError } from '../errors';
import { ConnectRefusal, callConnect, streamConnect } from './connect';
import { attempt, callOptions, type EnvdClient, endpointAsUser } from './envd-client';
import { decodeProcessEvents, type ProcessEvent } from './envd-process-messages';
import { cannotStart } from './envd-processes';

/** The terminals of a running sandbox: processes with a PTY (docs/protocol.md#envd-starting-a-process). */
export type EnvdTerminals = {
  /**
   * Starts a program with a PTY and follows it until it ends. Sends no deadline, because envd would kill the program at
   * the deadline. Leaving early does not end it. A slow reader holds it back.
   */
  openTerminal(
    request: TerminalRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ProcessEvent<'pty'>, void, undefined>;
  /** Sends input. Overlapping calls may arrive in any order. */
  typeInto(pid: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  resizeTerminal(pid: number, size: TerminalSize, signal: AbortSignal): Promise<void>;
};

export type TerminalSize = { cols: number; rows: number };

/**
 * `user` is a user of the sandbox, or `null` for its default user. `cwd` must exist, or is `null` for the user's home
 * folder.
 */
export type TerminalRequest = {
  cmd: string;
  args: readonly string[];
  user: string | null;
  cwd: string | null;
  envs: Readonly<Record<string, string>>;
  size: TerminalSize;
  tag: string;
};

export function envdTerminals(client: EnvdClient): EnvdTerminals {
  const { endpoint } = client;
  return {
    async *openTerminal({ cmd, args, user, cwd, envs, size, tag }, signal) {
      const message = {
        process: { cmd, args, envs, ...(cwd === null ? {} : { cwd }) },
        pty: { size },
        tag,
      };
      try {
        const asUser = endpointAsUser(endpoint, user);
        const messages = streamConnect(asUser, 'process.Process/Start', message, { signal });
        yield* decodeProcessEvents(messages, ['pty']);
      } catch (thrown) {
        throw await explainStart(client, thrown, { user, cwd, cmd });
      }
    },

    async typeInto(pid, bytes, signal) {
      const message = { process: { pid }, input: { pty: Buffer.from(bytes).toString('base64') } };
      await attempt(client, 'typing into a terminal', () =>
        callConnect(endpoint, 'process.Process/SendInput', message, callOptions(endpoint, signal)),
      );
    },

    async resizeTerminal(pid, size, signal) {
      const message = { process: { pid }, pty: { size } };
      await attempt(client, 'resizing a terminal', () =>
        callConnect(endpoint, 'process.Process/Update', message, callOptions(endpoint, signal)),
      );
    },
  };
}

/** Names the invalid part of the request if the refusal tells which it is. */
async function explainStart(
  client: EnvdClient,
  thrown: unknown,
  { user, cwd, cmd }: Pick<TerminalRequest, 'user' | 'cwd' | 'cmd'>,
): Promise<SandkeeperError> {
  if (!(thrown instanceof ConnectRefusal)) return client.explain(thrown, 'starting a shell');
  const details = { cause: thrown };
  if (thrown.code === 'unauthenticated' && user !== null)
    return new SandkeeperError('invalid', `The sandbox has no user “${user}”.`, details);
  if (thrown.code !== 'invalid_argument') return client.explain(thrown, 'starting a shell');
  if (cwd !== null && /cwd|director/i.test(thrown.message))
    return new SandkeeperError('invalid', `The sandbox has no folder “${cwd}”.`, details);
  return cannotStart(cmd, thrown);
}

import 'server-only';
import { SandkeeperError } from '../errors';
import { joinSignals } from '../joined-signal';
import { ConnectRefusal, callConnect, streamConnect } from './connect';
import { attempt, callOptions, type EnvdClient, endpointAsUser } from './envd-client';
import {
  decodeProcessEvents,
  type EnvdProcess,
  type ProcessEvent,
  parseProcessList,
} from './envd-process-messages';
import { LaunchWatch } from './missing-program';

/** The processes of a running sandbox (docs/protocol.md#envd-process-service). */
export type EnvdProcesses = {
  /** The processes that were started through the API, without their child processes. */
  listProcesses(signal: AbortSignal): Promise<EnvdProcess[]>;
  /** Signals one process, not its children. Resolves to false if no process has this pid. */
  signalProcess(pid: number, name: ProcessSignal, signal: AbortSignal): Promise<boolean>;
  /**
   * Starts a program as its `user`, or else as the sandbox's default user, and follows it until it ends. The sandbox kills it after `lifetimeMs`,
   * even if it is not followed; `null` sets no limit. Leaving early does not end it. A slow reader blocks it.
   */
  run(
    command: EnvdCommand,
    lifetimeMs: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<ProcessEvent<'stdout' | 'stderr'>, void, undefined>;
  /**
   * Follows a running process until it ends. Earlier output is not repeated. Leaving early does not end it.
   * @throws SandkeeperError `not_found` with the problem `PROCESS_GONE` if it has ended
   */
  followProcess(pid: number, signal: AbortSignal): AsyncGenerator<ProcessEvent, void, undefined>;
};

/** Every image with a shell has this one. */
export const SH = '/bin/sh';

type ProcessSignal = 'SIGTERM' | 'SIGKILL';

/** A program and its arguments, started without a shell. `cwd` must exist. `tag` labels its process in the sandbox. */
export type EnvdCommand = {
  cmd: string;
  args: readonly string[];
  cwd?: string;
  user?: string;
  tag?: string;
};

/** How long after its deadline a program is given up, in deadlines of a short call. */
const PATIENCE = 2;

/** The problem of an error: the process has ended, but its sandbox still exists. */
export const PROCESS_GONE = 'process_gone';
/** The problem of an error: the sandbox could not start the program, for example because it has no such program. */
export const CANNOT_START = 'cannot_start';
/** The problem of an error: the sandbox has no such user. */
export const NO_USER = 'no_user';

export function envdProcesses(client: EnvdClient): EnvdProcesses {
  const { endpoint } = client;
  return {
    async listProcesses(signal) {
      const answer = await attempt(client, 'listing its processes', () =>
        callConnect(endpoint, 'process.Process/List', {}, callOptions(endpoint, signal)),
      );
      return parseProcessList(answer);
    },

    signalProcess(pid, name, signal) {
      const message = { process: { pid }, signal: `SIGNAL_${name}` };
      return attempt(client, 'signalling a process', async () => {
        try {
          await callConnect(endpoint, 'process.Process/SendSignal', message, callOptions(endpoint, signal));
          return true;
        } catch (thrown) {
          if (isNotFound(thrown)) return false;
          throw thrown;
        }
      });
    },

    async *run({ cmd, args, cwd, user, tag }, lifetimeMs, signal) {
      const message = {
        process: { cmd, args, ...(cwd === undefined ? {} : { cwd }) },
        stdin: false,
        ...(tag === undefined ? {} : { tag }),
      };
      // The sandbox ends the program at its deadline, but it is not trusted to.
      const limitMs = lifetimeMs === null ? undefined : lifetimeMs + PATIENCE * endpoint.callMs;
      const limit = joinSignals([signal], limitMs);
      const options = {
        signal: limit.signal,
        ...(lifetimeMs === null ? {} : { timeoutMs: lifetimeMs }),
      };
      try {
        const messages = streamConnect(
          endpointAsUser(endpoint, user ?? null),
          'process.Process/Start',
          message,
          options,
        );
        const launch = new LaunchWatch(cmd);
        for await (const event of decodeProcessEvents(messages, ['stdout', 'stderr'])) {
          if (event.kind === 'start') client.observe('processes', null);
          if (launch.isMissing(event))
            throw cannotStart(cmd, new ConnectRefusal('invalid_argument', 'the launcher cannot start it'));
          yield event;
        }
      } catch (thrown) {
        if (thrown instanceof SandkeeperError) throw thrown;
        client.observe('processes', thrown);
        if (user !== undefined && thrown instanceof ConnectRefusal && thrown.code === 'unauthenticated')
          throw new SandkeeperError('invalid', `The sandbox has no user “${user}”.`, {
            cause: thrown,
            problem: NO_USER,
          });
        throw await client.explain(thrown, 'running a command');
      } finally {
        limit.release();
      }
    },

    async *followProcess(pid, signal) {
      const message = { process: { pid } };
      try {
        const messages = streamConnect(endpoint, 'process.Process/Connect', message, { signal });
        yield* decodeProcessEvents(messages, ['stdout', 'stderr', 'pty']);
      } catch (thrown) {
        if (!isNotFound(thrown)) throw await client.explain(thrown, 'reading the output of a process');
        const details = { cause: thrown, problem: PROCESS_GONE };
        throw new SandkeeperError('not_found', 'The process has ended.', details);
      }
    },
  };
}

export function cannotStart(cmd: string, cause?: unknown): SandkeeperError {
  return new SandkeeperError('invalid', `The sandbox could not start ${cmd}.`, {
    cause,
    problem: CANNOT_START,
  });
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof ConnectRefusal && thrown.code === 'not_found';
}

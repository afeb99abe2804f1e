import type { ExitStatus } from '../jail/exit-status';
import type { GuestProcess, OutputKind, ProcessReader } from '../jail/guest-process';
import type { Sandbox } from '../jail/sandbox';
import { type StartedProcess, StartRefused } from '../jail/session';
import { ConnectError } from './connect-error';
import { untilAborted } from './open-calls';
import { environmentOf, idsInside, workingDirectory } from './process-environment';
import {
  CloseStdinRequest,
  ConnectRequest,
  ListRequest,
  type ProcessInput,
  type ProcessSelector,
  SendInputRequest,
  SendSignalRequest,
  StartRequest,
  StreamInputRequest,
  UpdateRequest,
} from './process-messages';
import { withoutDefaults } from './proto-defaults';
import { type CallContext, clientStream, type MessageStream, type Service, serverStream, unary } from './rpc';

export type ProcessHost = {
  /** The processes of a sandbox, created at first use. @throws ConnectError if processes cannot run */
  sandboxOf(guest: CallContext['guest']): Sandbox;
};

type ProcessEvent =
  | { start: { pid: number } }
  | { data: { [output in OutputKind]?: string } }
  | { end: { exitCode?: number; exited?: boolean; status?: string; error?: string } }
  | { keepalive: Record<string, never> };

type EventMessage = { event: ProcessEvent };

const SIGNALS = { SIGNAL_UNSPECIFIED: 0, SIGNAL_SIGTERM: 15, SIGNAL_SIGKILL: 9 } as const;
/** Time for a killed process to end. */
const KILL_DEADLINE_MS = 5_000;
const MAX_SIZE = 0xffff;
const DEFAULT_SIZE = { cols: 80, rows: 24 };

/** The service `process.Process` (docs/protocol.md#envd-process-service). */
export function processService(host: ProcessHost): Service {
  const find = (context: CallContext, selector: ProcessSelector) => findProcess(host, context, selector);
  const keepalive: EventMessage = { event: { keepalive: {} } };
  return {
    List: unary(ListRequest, async (_, { guest }) => {
      const all = [...(host.sandboxOf(guest).running?.processes.values() ?? [])];
      return withoutDefaults({ processes: all.filter(({ isHidden }) => !isHidden).map(toProcessInfo) });
    }),

    Start: serverStream<typeof StartRequest, EventMessage>(
      StartRequest,
      async (request, context, stream) => {
        const { process, reader } = await startProcess(host.sandboxOf(context.guest), request, context);
        await follow(process, reader, context, stream, { isStart: true });
      },
      { keepalive },
    ),

    Connect: serverStream<typeof ConnectRequest, EventMessage>(
      ConnectRequest,
      async ({ process: selector }, context, stream) => {
        // The output of an ended process can be followed while others hold it open; its end is repeated for a while.
        const ended = host.sandboxOf(context.guest).running?.findEnded(selector);
        const process = ended ?? find(context, selector);
        await follow(process, process.read(), context, stream, { isStart: false });
      },
      { keepalive },
    ),

    Update: unary(UpdateRequest, async ({ process: selector, pty }, context) => {
      const process = find(context, selector);
      if (!pty?.size) return undefined;
      if (!process.isPty) throw new ConnectError('internal', 'the process has no terminal');
      const { cols, rows } = toSize(pty.size);
      process.resize(cols, rows);
      return undefined;
    }),

    SendInput: unary(SendInputRequest, async ({ process: selector, input }, context) => {
      await writeInput(find(context, selector), input, context);
      return undefined;
    }),

    StreamInput: clientStream(StreamInputRequest, async (messages, context) => {
      let process: GuestProcess | undefined;
      for await (const { start, data } of messages) {
        if (start) process = find(context, start.process);
        else if (data && !process) throw new ConnectError('invalid_argument', 'expected start before data');
        else if (data && process) await writeInput(process, data.input, context);
      }
      return undefined;
    }),

    SendSignal: unary(SendSignalRequest, async ({ process: selector, signal }, context) => {
      const process = find(context, selector);
      const number = SIGNALS[signal];
      if (number === 0) throw new ConnectError('unimplemented', 'only SIGTERM and SIGKILL are supported');
      process.signal(number);
      if (number === SIGNALS.SIGNAL_SIGKILL) await untilAborted(untilGone(process), context.signal);
      return undefined;
    }),

    CloseStdin: unary(CloseStdinRequest, async ({ process: selector }, context) => {
      const process = find(context, selector);
      if (process.isPty || !process.hasStdin) throw new ConnectError('internal', 'stdin is not open');
      process.closeStdin();
      return undefined;
    }),
  };
}

async function startProcess(
  sandbox: Sandbox,
  request: StartRequest,
  context: CallContext,
): Promise<StartedProcess> {
  const { guest, user, root, deadlineMs } = context;
  const { cmd, args, envs, cwd } = request.process;
  const spawn = {
    cmd,
    args,
    env: environmentOf(guest, user, envs, request.pty !== undefined),
    cwd: workingDirectory(user, cwd),
    stdin: request.stdin ?? true,
    pty: request.pty ? toSize(request.pty.size ?? DEFAULT_SIZE) : null,
    ids: idsInside(root, user),
  };
  const order = { spawn, config: { cmd, args, envs, cwd }, tag: request.tag };
  const starting = sandbox.start(root, order, deadlineMs);
  try {
    // A pause must not wait for an agent that never answers.
    return await untilAborted(starting, context.signal);
  } catch (error) {
    // The process may still start, without a reader.
    starting.then(
      ({ reader }) => reader.close(),
      () => {},
    );
    throw toConnectError(error);
  }
}

/** Sends `start`, the output from now on, and `end` (docs/protocol.md#envd-connecting-to-a-process). */
async function follow(
  process: GuestProcess,
  reader: ProcessReader,
  { signal, deadlineMs }: CallContext,
  stream: MessageStream<EventMessage>,
  { isStart }: { isStart: boolean },
): Promise<void> {
  // A disconnected reader must not block the process.
  const closeReader = () => reader.close();
  signal.addEventListener('abort', closeReader, { once: true });
  if (signal.aborted) closeReader();
  try {
    await stream.send({ event: { start: { pid: process.pid } } });
    for (let next = await reader.next(); next; next = await reader.next()) {
      if (next.kind === 'end') {
        // The process was killed at the deadline before the transport noticed it.
        if (isStart && process.isExpired && deadlineMs !== null) {
          throw new ConnectError('deadline_exceeded', 'the operation timed out');
        }
        await stream.send({ event: { end: toEnd(next.status) } });
        return;
      }
      await stream.send({ event: { data: { [next.output]: next.bytes.toString('base64') } } });
    }
  } finally {
    signal.removeEventListener('abort', closeReader);
    closeReader();
  }
}

async function writeInput(process: GuestProcess, input: ProcessInput, context: CallContext): Promise<void> {
  if (input.pty !== undefined && !process.isPty) {
    throw new ConnectError('internal', 'the process has no terminal: send the input as stdin');
  }
  if (input.stdin !== undefined && process.isPty) {
    throw new ConnectError('internal', 'the process has a terminal: send the input as pty');
  }
  if (input.stdin !== undefined && !process.hasStdin) {
    throw new ConnectError('internal', 'the process was started without stdin');
  }
  const bytes = input.stdin ?? input.pty;
  if (bytes) await untilAborted(process.write(bytes), context.signal);
}

/** A caller may count on a killed process being gone. @throws ConnectError if the kernel or the agent takes too long */
async function untilGone(process: GuestProcess): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    const error = new ConnectError('deadline_exceeded', `process ${process.pid} has not ended yet`);
    timer = setTimeout(() => reject(error), KILL_DEADLINE_MS);
  });
  try {
    await Promise.race([process.ended, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function findProcess(host: ProcessHost, { guest }: CallContext, selector: ProcessSelector): GuestProcess {
  if (selector.pid === undefined && selector.tag === undefined) {
    throw new ConnectError('invalid_argument', 'expected a pid or tag');
  }
  const process = host.sandboxOf(guest).running?.find(selector);
  if (process) return process;
  const name = selector.pid === undefined ? `tag ${selector.tag}` : `pid ${selector.pid}`;
  throw new ConnectError('not_found', `process with ${name} not found`);
}

function toProcessInfo({ config, pid, tag }: GuestProcess) {
  const { cwd, cmd, args, envs } = config;
  const shown = {
    ...withoutDefaults({ cmd, args }),
    ...(Object.keys(envs).length > 0 ? { envs } : {}),
    ...(cwd === undefined ? {} : { cwd }),
  };
  return { config: shown, pid, ...(tag === undefined ? {} : { tag }) };
}

function toEnd({ exitCode, exited, status, error }: ExitStatus) {
  return { ...withoutDefaults({ exitCode, exited, status }), ...(error === undefined ? {} : { error }) };
}

function toSize({ cols, rows }: { cols: number; rows: number }) {
  if (cols > MAX_SIZE || rows > MAX_SIZE) {
    throw new ConnectError('invalid_argument', `a terminal has at most ${MAX_SIZE} columns and rows`);
  }
  return { cols: cols || DEFAULT_SIZE.cols, rows: rows || DEFAULT_SIZE.rows };
}

function toConnectError(error: unknown): ConnectError {
  if (error instanceof StartRefused) {
    const { reason, message } = error.refusal;
    if (reason === 'cwd') return new ConnectError('invalid_argument', `cwd '${message}' does not exist`);
    if (reason === 'exec') return new ConnectError('invalid_argument', message);
    if (reason === 'limit') return new ConnectError('resource_exhausted', message);
    return new ConnectError('internal', message);
  }
  if (error instanceof ConnectError) return error;
  // Messages of the jail are written for callers.
  return new ConnectError('internal', error instanceof Error ? error.message : 'internal error', {
    cause: error,
  });
}

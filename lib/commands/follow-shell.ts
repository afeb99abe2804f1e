import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandkeeperError } from '../errors';
import { waitForResume } from '../fleet/wait-for-resume';
import { joinSignals } from '../joined-signal';
import { apiOf } from '../sandbox-api/configured';
import { ConnectRefusal } from '../sandbox-api/connect';
import { type Envd, NOT_RUNNING } from '../sandbox-api/envd';
import { CANNOT_START, type EnvdCommand, PROCESS_GONE } from '../sandbox-api/envd-processes';
import type { SandboxKey } from '../sandbox-key';
import { isOutputHeld, type ShellEnd, watchShellEnd } from './shell-end';

type Options = {
  sandboxKey: SandboxKey;
  envd: Envd;
  command: EnvdCommand;
  /** The sandbox kills it after this time. The time of a pause does not count. */
  limitMs: number;
  /** Leaves the command, which continues. */
  signal: AbortSignal;
  /** It has started, or its output is followed again. */
  onStart: (pid: number, envd: Envd) => void;
  onOutput: (name: 'stdout' | 'stderr', bytes: Buffer) => void;
  /** Nothing arrives until the next `onStart`, for this reason. */
  onWait: (reason: string) => void;
};

/** How a shell ended. `isHeld`: another process still holds its output open. */
export type FollowedShell = { end: ShellEnd | null; isHeld: boolean; wasInterrupted: boolean };

const PAUSED = 'The sandbox is paused. The command continues when the sandbox is resumed.';
const RECONNECTING = 'The connection to the command was lost. Reconnecting…';
/** The delays between attempts to reconnect to a running sandbox, ms. */
const RETRY_AFTER_MS = [300, 1_000, 2_000, 5_000, 10_000] as const;
/** Time for output that was written before a detected end, ms. */
const DRAIN_MS = 200;

/**
 * Runs a command and follows it to its end, over pauses of its sandbox and lost connections. It is sent once. Throws the
 * error of the last connection when it cannot be followed any more; what became of the command is then unknown.
 */
export async function followShell(options: Options): Promise<FollowedShell> {
  const { sandboxKey, signal, onWait } = options;
  const state = { pid: null as number | null, wasInterrupted: false };
  let envd = options.envd;
  for (let failures = 0; ; ) {
    try {
      const { end, isHeld } = await followOnce(options, envd, state, () => {
        failures = 0;
      });
      return { end, isHeld, wasInterrupted: state.wasInterrupted };
    } catch (thrown) {
      let error = SandkeeperError.from(thrown);
      for (;;) {
        if (state.pid === null || signal.aborted || isFinal(error)) throw thrown;
        const waitMs = RETRY_AFTER_MS[failures];
        if (error.problem === NOT_RUNNING) {
          onWait(PAUSED);
          await waitForResume(sandboxKey, signal);
        } else {
          if (waitMs === undefined) throw thrown;
          onWait(RECONNECTING);
          await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
          failures += 1;
        }
        if (signal.aborted) throw thrown;
        state.wasInterrupted = true;
        try {
          envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
          break;
        } catch (next) {
          error = SandkeeperError.from(next);
          if (error.code === 'not_found') throw next;
        }
      }
    }
  }
}

/** Whether the process or its sandbox is over, so that it cannot be followed again. */
function isFinal({ code, problem, cause }: SandkeeperError): boolean {
  const wasCutOff = cause instanceof ConnectRefusal && cause.code === 'deadline_exceeded';
  return wasCutOff || problem === PROCESS_GONE || problem === CANNOT_START || code === 'not_found';
}

async function followOnce(
  { command, limitMs, signal, onStart, onOutput }: Options,
  envd: Envd,
  state: { pid: number | null },
  onConnected: () => void,
): Promise<{ end: ShellEnd | null; isHeld: boolean }> {
  const over = new AbortController();
  const joined = joinSignals([signal, over.signal]);
  const stream = joined.signal;
  const events =
    state.pid === null ? envd.run(command, limitMs, stream) : envd.followProcess(state.pid, stream);
  // Written by callbacks.
  const found = { zombie: null as ShellEnd | null, end: null as ShellEnd | null };
  try {
    for await (const event of events) {
      if (event.kind === 'start') {
        state.pid = event.pid;
        onConnected();
        onStart(event.pid, envd);
        void watchShellEnd(envd, event.pid, stream).then(async (zombie) => {
          if (zombie === null) return;
          found.zombie = zombie;
          await sleep(DRAIN_MS, undefined, { ref: false });
          over.abort();
        });
      } else if (event.kind === 'end') found.end = { exitCode: event.exitCode, signal: event.signal };
      else if (event.kind !== 'pty') onOutput(event.kind, event.bytes);
    }
  } catch (thrown) {
    if (found.zombie === null || signal.aborted) throw thrown;
  } finally {
    over.abort();
    joined.release();
  }
  const { end, zombie } = found;
  if (end === null && zombie !== null) return { end: zombie, isHeld: true };
  if (end === null || end.exitCode < 0 || state.pid === null) return { end, isHeld: false };
  return { end, isHeld: await isOutputHeld(envd, state.pid, signal) };
}

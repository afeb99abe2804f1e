import 'server-only';
import { z } from 'zod';
import { ConnectRefusal, callConnect, streamConnect } from './connect';
import { attempt, type EnvdCaller, inTime } from './envd-caller';

/** The processes of a running sandbox (docs/protocol.md#envd-process-service). */
export type GuestProcesses = {
  /** The processes that were started from outside. Those that they started are not among them. */
  listPids(signal: AbortSignal): Promise<number[]>;
  /** Signals exactly this process. False when there is none with this number any more. */
  signalProcess(pid: number, name: ProcessSignal, signal: AbortSignal): Promise<boolean>;
  /**
   * Starts a program as the sandbox's default user and follows it to its end. It is killed after `lifeMs`, also when
   * nobody follows it any more; `null`: never. Leaving early leaves the process alone. Not reading on holds it back.
   */
  run(
    command: GuestCommand,
    lifeMs: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<ProcessEvent, void, undefined>;
};

type ProcessSignal = 'SIGTERM' | 'SIGKILL';

/** A program with its arguments as they are: no shell comes in between. `cwd` must be there. */
export type GuestCommand = { cmd: string; args: readonly string[]; cwd?: string };

/** `end`: `exitCode` is -1 where a signal ended it, which `signal` then names, such as `killed`. */
export type ProcessEvent =
  | { kind: 'start'; pid: number }
  | { kind: 'stdout' | 'stderr'; bytes: Buffer }
  | { kind: 'end'; exitCode: number; signal: string | null };

export function guestProcesses(door: EnvdCaller): GuestProcesses {
  const { endpoint } = door;
  return {
    async listPids(signal) {
      const answer = await attempt(door, 'listing its processes', () =>
        callConnect(endpoint, 'process.Process/List', {}, inTime(signal)),
      );
      const parsed = WireList.safeParse(answer);
      return parsed.success ? parsed.data.processes.map(({ pid }) => pid) : [];
    },

    signalProcess(pid, name, signal) {
      const message = { process: { pid }, signal: `SIGNAL_${name}` };
      return attempt(door, 'signalling a process', async () => {
        try {
          await callConnect(endpoint, 'process.Process/SendSignal', message, inTime(signal));
          return true;
        } catch (thrown) {
          if (thrown instanceof ConnectRefusal && thrown.code === 'not_found') return false;
          throw thrown;
        }
      });
    },

    async *run({ cmd, args, cwd }, lifeMs, signal) {
      const message = { process: { cmd, args, ...(cwd === undefined ? {} : { cwd }) }, stdin: false };
      const options = { signal, ...(lifeMs === null ? {} : { timeoutMs: lifeMs }) };
      try {
        for await (const event of streamConnect(endpoint, 'process.Process/Start', message, options)) {
          yield* eventsOf(event);
        }
      } catch (thrown) {
        throw await door.explain(thrown, 'running a command');
      }
    },
  };
}

const WireList = z.object({ processes: z.array(z.object({ pid: z.number().int().positive() })).default([]) });

const WireEvent = z.object({
  event: z.object({
    start: z.object({ pid: z.number().int().positive() }).optional(),
    data: z.object({ stdout: z.string().optional(), stderr: z.string().optional() }).optional(),
    // Defaults are left out on this wire: an exit status of 0 is absent.
    end: z.object({ exitCode: z.number().default(0), status: z.string().default('') }).optional(),
  }),
});

function* eventsOf(message: unknown): Generator<ProcessEvent, void, undefined> {
  const parsed = WireEvent.safeParse(message);
  if (!parsed.success) return;
  const { start, data, end } = parsed.data.event;
  if (start) yield { kind: 'start', pid: start.pid };
  if (data?.stdout) yield { kind: 'stdout', bytes: Buffer.from(data.stdout, 'base64') };
  if (data?.stderr) yield { kind: 'stderr', bytes: Buffer.from(data.stderr, 'base64') };
  if (end) yield { kind: 'end', exitCode: end.exitCode, signal: signalIn(end.status) };
}

/** Of `signal: killed` the name; the sandbox may say anything. */
export function signalIn(status: string): string | null {
  return /^signal: ([a-z][a-z0-9 ]{0,31})$/.exec(status)?.[1] ?? null;
}

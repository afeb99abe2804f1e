import 'server-only';
import { z } from 'zod';
import { ConnectRefusal, callConnect, streamConnect } from './connect';
import { attempt, type EnvdCaller, inTime } from './envd-caller';
import { signalIn } from './guest-processes';

/** What was started from outside in a running sandbox, and what it writes (docs/protocol.md#envd-process-list). */
export type GuestProcessList = {
  /** What was started from outside and runs, as it was asked for. Texts are the sandbox's own. */
  listProcesses(signal: AbortSignal): Promise<GuestProcess[]>;
  /** What a process writes from now on, until it ends. Leaving leaves it alone. */
  attachProcess(pid: number, signal: AbortSignal): AsyncGenerator<AttachEvent, void, undefined>;
};

export type GuestProcess = {
  pid: number;
  cmd: string;
  args: string[];
  cwd: string | null;
  /** What whoever started it calls it. */
  tag: string | null;
};

/** `gone`: there is no such process any more. */
export type AttachEvent =
  | { kind: 'start' }
  | { kind: 'stdout' | 'stderr' | 'pty'; bytes: Buffer }
  | { kind: 'end'; exitCode: number; signal: string | null }
  | { kind: 'gone' };

export function guestProcessList(door: EnvdCaller): GuestProcessList {
  const { endpoint } = door;
  return {
    async listProcesses(signal) {
      const answer = await attempt(door, 'listing its processes', () =>
        callConnect(endpoint, 'process.Process/List', {}, inTime(signal)),
      );
      return WireList.parse(answer);
    },

    async *attachProcess(pid, signal) {
      const message = { process: { pid } };
      try {
        for await (const event of streamConnect(endpoint, 'process.Process/Connect', message, { signal })) {
          yield* eventsOf(event);
        }
      } catch (thrown) {
        if (thrown instanceof ConnectRefusal && thrown.code === 'not_found') yield { kind: 'gone' };
        else throw await door.explain(thrown, 'reading what a process writes');
      }
    },
  };
}

const WireProcess = z
  .object({
    pid: z.number().int().positive(),
    tag: z.string().nullish(),
    config: z
      .object({
        cmd: z.string().default(''),
        args: z.array(z.string()).default([]),
        cwd: z.string().nullish(),
      })
      .default({ cmd: '', args: [] }),
  })
  .transform(
    ({ pid, tag, config: { cmd, args, cwd } }): GuestProcess => ({
      pid,
      cmd,
      args,
      // Some clients leave nothing out but send nothing.
      cwd: cwd || null,
      tag: tag || null,
    }),
  );
const WireList = z
  .object({ processes: z.array(WireProcess).default([]) })
  .transform(({ processes }) => processes);

const WireEvent = z.object({
  event: z.object({
    start: z.object({}).optional(),
    data: z
      .object({ stdout: z.string().optional(), stderr: z.string().optional(), pty: z.string().optional() })
      .optional(),
    end: z.object({ exitCode: z.number().default(0), status: z.string().default('') }).optional(),
  }),
});

const OUTPUTS = ['stdout', 'stderr', 'pty'] as const;

function* eventsOf(message: unknown): Generator<AttachEvent, void, undefined> {
  const parsed = WireEvent.safeParse(message);
  if (!parsed.success) return;
  const { start, data, end } = parsed.data.event;
  if (start) yield { kind: 'start' };
  for (const kind of OUTPUTS) {
    const text = data?.[kind];
    if (text) yield { kind, bytes: Buffer.from(text, 'base64') };
  }
  if (end) yield { kind: 'end', exitCode: end.exitCode, signal: signalIn(end.status) };
}

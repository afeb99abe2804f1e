import 'server-only';
import { z } from 'zod';
import { errorFromShape } from './errors';

/** A process that was started through the API. `cmd`, `args`, `cwd` and `tag` are untrusted text. */
export type EnvdProcess = {
  pid: number;
  cmd: string;
  args: string[];
  cwd: string | null;
  /** A label chosen by the client that started it. */
  tag: string | null;
};

/** A process with a terminal writes `pty`, any other `stdout` and `stderr`. */
type OutputKind = 'stdout' | 'stderr' | 'pty';

/** `exitCode` is -1 if a signal ended the process; `signal` is then its name, for example `killed`. */
export type ProcessEvent<Output extends OutputKind = OutputKind> =
  | { kind: 'start'; pid: number }
  | { kind: Output; bytes: Buffer }
  | { kind: 'end'; exitCode: number; signal: string | null };

const Pid = z.number().int().positive().max(0xffff_ffff);
/** A code outside of the protocol's range counts as a death by a signal, because it cannot be stored. */
const ExitCode = z.int32().default(0).catch(-1);

const WireProcess = z
  .object({
    pid: Pid,
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
    ({ pid, tag, config: { cmd, args, cwd } }): EnvdProcess => ({
      pid,
      cmd,
      args,
      // Some clients send empty strings instead of leaving the fields out.
      cwd: cwd || null,
      tag: tag || null,
    }),
  );

const WireList = z.object({ processes: z.array(z.unknown()).default([]) });

/**
 * The processes in an answer to `List` (docs/protocol.md#envd-process-list). Skips entries that are not processes.
 * @throws SandkeeperError `unexpected` if the answer is not a list
 */
export function parseProcessList(answer: unknown): EnvdProcess[] {
  const parsed = WireList.safeParse(answer);
  if (!parsed.success) throw errorFromShape(parsed.error, { doing: 'listing its processes' });
  return parsed.data.processes.flatMap((entry) => WireProcess.safeParse(entry).data ?? []);
}

const WireEvent = z.object({
  event: z.object({
    start: z.object({ pid: Pid }).optional(),
    data: z
      .object({ stdout: z.string().optional(), stderr: z.string().optional(), pty: z.string().optional() })
      .optional(),
    // Proto3 JSON leaves out default values: an exit code of 0 is absent.
    end: z.object({ exitCode: ExitCode, status: z.string().default('') }).optional(),
  }),
});

/** Decodes the messages of a `Start` or `Connect` stream. Skips keepalives, unknown messages and other outputs. */
export async function* decodeProcessEvents<Output extends OutputKind>(
  messages: AsyncIterable<unknown>,
  outputs: readonly Output[],
): AsyncGenerator<ProcessEvent<Output>, void, undefined> {
  for await (const message of messages) {
    const parsed = WireEvent.safeParse(message);
    if (!parsed.success) continue;
    const { start, data, end } = parsed.data.event;
    if (start) yield { kind: 'start', pid: start.pid };
    for (const kind of outputs) {
      const text = data?.[kind];
      const bytes = text ? Buffer.from(text, 'base64') : null;
      if (bytes !== null && bytes.length > 0) yield { kind, bytes };
    }
    if (end) yield { kind: 'end', exitCode: end.exitCode, signal: signalIn(end.status) };
  }
}

/** The name in `signal: killed`. The text is the sandbox's own, so anything else is ignored. */
function signalIn(status: string): string | null {
  return /^signal: ([a-z][a-z0-9 ]{0,31})$/.exec(status)?.[1] ?? null;
}

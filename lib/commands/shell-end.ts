import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinSignals } from '../joined-signal';
import { parseProcStat } from '../sandbox/proc-stat';
import type { EnvdProcesses } from '../sandbox-api/envd-processes';

/** `exitCode` is -1 if a signal ended it, which `signal` then names. */
export type ShellEnd = { exitCode: number; signal: string | null };

type Envd = Pick<EnvdProcesses, 'run' | 'followProcess'>;

/** When to check whether a shell has ended, ms after the previous check. The last one repeats. */
const CHECK_AFTER_MS = [700, 1_000, 2_000, 4_000];
const CHECK_LIFETIME_MS = 5_000;
/** The sandbox's `cat` is untrusted and may write without end. */
const MAX_STAT_BYTES = 4_096;
const HELD_CHECK_MS = 5_000;
const REPEATED_END_MS = 1_000;

/**
 * Resolves when the process `pid` has ended although its stream goes on. A daemon may report the end only when nobody holds
 * the output open any more; until then the process is a zombie (docs/protocol.md#envd-end-of-a-process). Resolves to `null`
 * when aborted.
 */
export async function watchShellEnd(envd: Envd, pid: number, signal: AbortSignal): Promise<ShellEnd | null> {
  for (let check = 0; ; check += 1) {
    const waitMs = CHECK_AFTER_MS[check] ?? CHECK_AFTER_MS.at(-1);
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return null;
    const end = await readShellEnd(envd, pid, signal).catch(() => null);
    if (end !== null && !signal.aborted) return end;
  }
}

async function readShellEnd(envd: Envd, pid: number, signal: AbortSignal): Promise<ShellEnd | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const event of envd.run(
    { cmd: 'cat', args: [`/proc/${pid}/stat`] },
    CHECK_LIFETIME_MS,
    signal,
  )) {
    if (event.kind !== 'stdout') continue;
    parts.push(event.bytes);
    bytes += event.bytes.length;
    if (bytes > MAX_STAT_BYTES) return null;
  }
  return endInStat(Buffer.concat(parts).toString('utf8'));
}

/** How a process ended, from its `/proc/<pid>/stat`. `null` if it has not. */
export function endInStat(text: string): ShellEnd | null {
  const { state, exitStatus } = parseProcStat(text);
  if (state !== 'Z' || !Number.isSafeInteger(exitStatus)) return null;
  const signalNumber = exitStatus & 0x7f;
  if (signalNumber === 0) return { exitCode: (exitStatus >> 8) & 0xff, signal: null };
  return { exitCode: -1, signal: SIGNALS[signalNumber] ?? `signal ${signalNumber}` };
}

/** As the daemon names them. */
const SIGNALS: Readonly<Record<number, string>> = {
  2: 'interrupt',
  9: 'killed',
  11: 'segmentation fault',
  15: 'terminated',
};

/** Whether the output of the ended process `pid` can still be followed, because another process holds it open. */
export async function isOutputHeld(envd: Envd, pid: number, signal: AbortSignal): Promise<boolean> {
  const leaving = new AbortController();
  const joined = joinSignals([signal, leaving.signal], HELD_CHECK_MS);
  // Some daemons repeat the end of a process for a while. It comes at once, unless the output is held.
  const silence = setTimeout(() => leaving.abort(), REPEATED_END_MS);
  let isFollowed = false;
  try {
    for await (const { kind } of envd.followProcess(pid, joined.signal)) {
      if (kind === 'end') return false;
      isFollowed = true;
    }
    return false;
  } catch {
    return isFollowed;
  } finally {
    clearTimeout(silence);
    leaving.abort();
    joined.release();
  }
}

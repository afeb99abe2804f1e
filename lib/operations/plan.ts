import { type SandboxAct, sandboxCannot } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';

/** Who an act will reach, and who it will not and why. */
export type Partition = { targets: Sandbox[]; skipped: { sandboxId: string; reason: string }[] };

/** Splits the asked-for ids, given what a fresh reading knows of each (`null`: no such sandbox). */
export function partition(act: SandboxAct, read: ReadonlyMap<string, Sandbox | null>): Partition {
  const targets: Sandbox[] = [];
  const skipped: Partition['skipped'] = [];
  for (const [sandboxId, sandbox] of read) {
    const reason = sandbox === null ? 'It is already terminated.' : sandboxCannot(sandbox.state, act);
    if (sandbox !== null && reason === null) targets.push(sandbox);
    else skipped.push({ sandboxId, reason: reason ?? '' });
  }
  return { targets, skipped };
}

/** What changed between what a person was shown and now, in words; `null` where nothing that matters did. */
export function driftOf(shown: Sandbox, now: Sandbox): string | null {
  if (shown.state !== now.state) return `it was ${shown.state} and is now ${now.state}`;
  if (shown.startedAtMs !== now.startedAtMs) return 'it was resumed meanwhile';
  return null;
}

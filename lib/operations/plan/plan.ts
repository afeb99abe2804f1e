import { isProtected, type SandboxAct, sandboxCannot, stopsSandbox } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import type { SkipKind, Skipped } from '../schema';

/** Whom an act will reach, and whom it will not and why. */
export type Partition = { targets: Sandbox[]; skipped: Skipped[] };

type Circumstances = {
  /** What a fresh reading knows of each that was asked for; `null`: no such sandbox. */
  read: ReadonlyMap<string, Sandbox | null>;
  /** Metadata key that protects from bulks of acts that stop a sandbox. */
  protectedKey: string;
  /** Those that an operation is already working on. */
  busy: ReadonlySet<string>;
};

/** Splits the asked-for ids. One that is asked for alone is reached although it is protected: see `phraseFor`. */
export function partition(act: SandboxAct, { read, protectedKey, busy }: Circumstances): Partition {
  const isBulk = read.size > 1;
  const targets: Sandbox[] = [];
  const skipped: Skipped[] = [];
  for (const [sandboxId, sandbox] of read) {
    const obstacle = obstacleTo(sandbox);
    if (sandbox !== null && obstacle === null) targets.push(sandbox);
    else if (obstacle !== null) skipped.push({ sandboxId, sandbox, ...obstacle });
  }
  return { targets, skipped };

  function obstacleTo(sandbox: Sandbox | null): { kind: SkipKind; reason: string } | null {
    if (sandbox === null) return { kind: 'gone', reason: 'It is already terminated.' };
    const verdict = sandboxCannot(sandbox.state, act);
    if (verdict !== null) return { kind: 'state', reason: verdict };
    if (busy.has(sandbox.id)) return { kind: 'busy', reason: 'Something is being done to it already.' };
    if (isBulk && stopsSandbox(act) && isProtected(sandbox, protectedKey))
      return { kind: 'protected', reason: `It is protected by ${protectedKey}=true.` };
    return null;
  }
}

/** What must be typed before a kill of `targets` starts; `null` where a click will do. */
export function phraseFor(act: SandboxAct, targets: readonly Sandbox[], protectedKey: string): string | null {
  const [first] = targets;
  if (act !== 'kill' || first === undefined) return null;
  if (targets.length > 1) return `kill ${targets.length}`;
  return isProtected(first, protectedKey) ? first.id : null;
}

/**
 * What changed between what a person was shown and now, in words; `null` where nothing that matters did. Without a
 * `protectedKey`, protection does not matter.
 */
export function driftOf(shown: Sandbox, now: Sandbox, protectedKey: string | null): string | null {
  if (shown.state !== now.state) return `it was ${shown.state} and is now ${now.state}`;
  if (shown.startedAtMs !== now.startedAtMs) return 'it was resumed meanwhile';
  if (protectedKey !== null && !isProtected(shown, protectedKey) && isProtected(now, protectedKey))
    return 'it was protected meanwhile';
  return null;
}

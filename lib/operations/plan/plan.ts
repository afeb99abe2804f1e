import { isProtected, type SandboxAct, sandboxCannot, stopsSandbox } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import type { SkipKind, Skipped } from '../schema';

export type Partition = { targets: Sandbox[]; skipped: Skipped[] };

type Context = {
  /** A fresh reading of each requested id. `null`: no such sandbox. */
  read: ReadonlyMap<SandboxKey, Sandbox | null>;
  /** Metadata key that protects a sandbox from bulk kills and pauses. */
  protectedKey: string;
  busy: ReadonlySet<SandboxKey>;
  /** Whether more than one sandbox was requested. Default: whether more than one was read. */
  isBulk?: boolean;
  /** Whether the action counts from the deadline, which must then be known. */
  needsDeadline?: boolean;
  /** Why the service cannot do what the options of the action need in this sandbox. */
  refusalOf?: (sandbox: Sandbox) => string | null;
  /** What the action does to a sandbox beyond its name: a change of the time left may end it. */
  endingOf?: (sandbox: Sandbox) => 'kill' | 'pause' | null;
  /** Whether the person may kill. */
  mayKill?: boolean;
};

const NEEDS_ADMIN = 'It would end within 5 minutes, which requires the admin role.';

/** Splits the requested sandboxes. A single protected sandbox is not skipped: see `phraseFor`. */
export function partition(
  act: SandboxAct,
  {
    read,
    protectedKey,
    busy,
    isBulk = read.size > 1,
    needsDeadline = false,
    refusalOf = () => null,
    endingOf = () => null,
    mayKill = true,
  }: Context,
): Partition {
  const targets: Sandbox[] = [];
  const skipped: Skipped[] = [];
  for (const [sandboxKey, sandbox] of read) {
    const obstacle = obstacleTo(sandbox);
    if (sandbox !== null && obstacle === null) targets.push(sandbox);
    else if (obstacle !== null) skipped.push({ sandboxKey, sandbox, ...obstacle });
  }
  return { targets, skipped };

  function obstacleTo(sandbox: Sandbox | null): { kind: SkipKind; reason: string } | null {
    if (sandbox === null) return { kind: 'gone', reason: 'It is already terminated.' };
    const verdict = sandboxCannot(sandbox.state, act);
    if (verdict !== null) return { kind: 'state', reason: verdict };
    if (busy.has(sandbox.key)) return { kind: 'busy', reason: 'Another operation is working on it.' };
    const ending = endingOf(sandbox);
    if (ending === 'kill' && !mayKill) return { kind: 'role', reason: NEEDS_ADMIN };
    if (isBulk && (stopsSandbox(act) || ending !== null) && isProtected(sandbox, protectedKey))
      return { kind: 'protected', reason: `It is protected by ${protectedKey}=true.` };
    if (needsDeadline && sandbox.endAtMs === null)
      return { kind: 'deadline', reason: 'The service does not report its deadline.' };
    const refusal = refusalOf(sandbox);
    return refusal === null ? null : { kind: 'notOffered', reason: refusal };
  }
}

/**
 * The confirmation to type before a kill of `targets`, or before a change of the time left that ends them. `null`: a click is
 * enough.
 */
export function phraseFor(act: SandboxAct, targets: readonly Sandbox[], protectedKey: string): string | null {
  const [first] = targets;
  if ((act !== 'kill' && act !== 'setTimeout') || first === undefined) return null;
  if (targets.length > 1) return `${act === 'kill' ? 'kill' : 'end'} ${targets.length}`;
  return isProtected(first, protectedKey) ? first.id : null;
}

/**
 * Describes a relevant change since the plan was shown, or returns `null`. Protection is ignored when `protectedKey`
 * is `null`.
 */
export function driftOf(shown: Sandbox, now: Sandbox, protectedKey: string | null): string | null {
  if (shown.state !== now.state) return `it was ${shown.state} and is now ${now.state}`;
  // A start that the service leaves out once proves nothing.
  const isStartKnown = shown.startedAtMs !== null && now.startedAtMs !== null;
  if (isStartKnown && shown.startedAtMs !== now.startedAtMs) return 'it was resumed in the meantime';
  if (protectedKey !== null && !isProtected(shown, protectedKey) && isProtected(now, protectedKey))
    return 'it is now protected';
  return null;
}

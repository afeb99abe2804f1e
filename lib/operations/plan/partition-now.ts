import 'server-only';
import { setTimeout } from 'node:timers/promises';
import { config } from '../../config';
import { byConnection } from '../../connection-split';
import { SandkeeperError } from '../../errors';
import { fleetWatcher, watcherOf } from '../../fleet/watchers';
import type { SandboxAct } from '../../sandbox/can';
import { type Lacking, serviceCannot } from '../../sandbox/capabilities';
import { MAX_READ_ONE_BY_ONE } from '../../sandbox/limits';
import type { Sandbox } from '../../sandbox/schema';
import { sandboxApi, serviceNowMs } from '../../sandbox-api/configured';
import type { ConnectionName, SandboxKey } from '../../sandbox-key';
import type { ActParams, Skipped } from '../schema';
import { type ReadingSource, readEach, sourceFor } from '../step/read-target';
import { type Partition, partition } from './plan';
import { endingOf } from './time-left';

type Input = {
  act: SandboxAct;
  sandboxKeys: readonly SandboxKey[];
  params: ActParams;
  /** Sandboxes that another operation works on. */
  busy: ReadonlySet<SandboxKey>;
  /** Whether the person may kill in a connection. */
  mayKill: (name: ConnectionName) => boolean;
};

/**
 * Reads the sandboxes and splits them into those to change and those to skip, in the order of the request. A connection that
 * cannot be read or does not offer the action is skipped with the reason, so that it does not hold up the others.
 *
 * Throws `invalid` for more sandboxes than one operation may have, and the reason of a connection if none is left.
 */
export async function partitionNow(input: Input): Promise<Partition> {
  const keys = [...new Set(input.sandboxKeys)];
  const { bulkLimit } = config().operations;
  if (keys.length > bulkLimit) {
    throw new SandkeeperError(
      'invalid',
      `One operation can have at most ${bulkLimit} sandboxes, not ${keys.length}. Narrow the filter, or split it into several operations.`,
    );
  }
  const groups = [...byConnection(keys)];
  const isBulk = keys.length > 1;
  const needsFiles = input.params.exportPath !== undefined && !groups.every(([name]) => lacksFiles(name));
  const patience = new Patience();
  const parts = await Promise.all(
    groups.map(async ([name, own]) => {
      try {
        if (needsFiles) requireFiles(name);
        const part = await patience.untilLate(partitionOne(name, own, { ...input, isBulk }));
        return { part, failure: null, own };
      } catch (thrown) {
        const failure = SandkeeperError.from(thrown);
        if (failure.code === 'unexpected') console.error(`Planning for ${name}:`, failure.cause);
        return { part: null, failure, own };
      }
    }),
  );
  const failures = parts.flatMap(({ failure }) => failure ?? []);
  const [first] = failures;
  if (first !== undefined && failures.length === parts.length)
    throw failures.find(({ code }) => code !== 'not_offered') ?? first;
  const position = new Map(keys.map((key, index) => [key, index]));
  const inOrder = (one: SandboxKey, other: SandboxKey) =>
    (position.get(one) ?? 0) - (position.get(other) ?? 0);
  return {
    targets: parts
      .flatMap(({ part }) => part?.targets ?? [])
      .sort((one, other) => inOrder(one.key, other.key)),
    skipped: parts
      .flatMap(({ part, failure, own }) => part?.skipped ?? own.map((key) => skippedFor(key, failure)))
      .sort((one, other) => inOrder(one.sandboxKey, other.sandboxKey)),
  };
}

/** Why the files of these sandboxes cannot be read; `null` if those of at least one connection can. */
export function lackingFiles(keys: readonly SandboxKey[]): string | null {
  const reasons = [...byConnection(keys)].map(([name]) => lacksFiles(name));
  return reasons.every((reason) => reason !== null) ? (reasons[0] ?? null) : null;
}

function lacksFiles(name: ConnectionName): string | null {
  try {
    return sandboxApi(name).capabilities.lacking().files ?? null;
  } catch {
    // Its reading tells why it cannot be used.
    return null;
  }
}

function requireFiles(name: ConnectionName): void {
  const reason = lacksFiles(name);
  if (reason !== null) throw new SandkeeperError('not_offered', reason);
}

type OneInput = Input & { isBulk: boolean };

async function partitionOne(
  name: ConnectionName,
  keys: readonly SandboxKey[],
  { act, params, busy, isBulk, mayKill }: OneInput,
): Promise<Partition> {
  const lacking = sandboxApi(name).capabilities.lacking();
  const lacks = serviceCannot(lacking, act);
  if (lacks !== null) throw new SandkeeperError('not_offered', lacks);
  if (keys.length > MAX_READ_ONE_BY_ONE && fleetWatcher(name).isEndless) {
    throw new SandkeeperError(
      'conflict',
      `The list of the sandbox service does not end, so one operation can have at most ${MAX_READ_ONE_BY_ONE} sandboxes, which are read one by one. Select fewer.`,
    );
  }
  const { protectedKey } = config().operations;
  const context = {
    protectedKey,
    busy,
    isBulk,
    needsDeadline: params.addMs !== undefined,
    refusalOf: (sandbox: Sandbox) => cannotStopProcesses(sandbox, { act, params, lacking }),
    mayKill: mayKill(name),
    endingOf: (sandbox: Sandbox) =>
      act === 'setTimeout' ? endingOf(sandbox, params, serviceNowMs(sandbox.key)) : null,
  };
  const read = async (from: readonly SandboxKey[], source: ReadingSource) =>
    partition(act, { ...context, read: await readEach(from, source) });
  const source = sourceFor(keys.length);
  const parts = await read(keys, source);
  const workSource = sourceFor(parts.targets.length);
  if (workSource === source) return parts;
  // The work will read this few targets from the other source, so the plan does too.
  const again = await read(
    parts.targets.map(({ key }) => key),
    workSource,
  );
  return { targets: again.targets, skipped: [...parts.skipped, ...again.skipped] };
}

type Asked = Pick<Input, 'act' | 'params'> & { lacking: Lacking };

/** A graceful kill starts a process in a running sandbox. One that cannot be asked to end is not killed, so it is skipped. */
function cannotStopProcesses({ state }: Sandbox, { act, params, lacking }: Asked): string | null {
  if (act !== 'kill' || params.graceMs === undefined || state !== 'running') return null;
  return lacking.processes === undefined
    ? null
    : `Its processes cannot be stopped before the kill. ${lacking.processes}`;
}

/**
 * Gives up on a connection that is still being read one call deadline after another one was. A single connection has no such
 * limit.
 */
class Patience {
  #noteFirst: () => void = () => {};
  readonly #firstRead = new Promise<void>((resolve) => {
    this.#noteFirst = resolve;
  });

  async untilLate<T>(reading: Promise<T>): Promise<T> {
    const leaving = new AbortController();
    try {
      const read = await Promise.race([reading, this.#late(leaving.signal)]);
      this.#noteFirst();
      return read;
    } finally {
      leaving.abort();
    }
  }

  async #late(signal: AbortSignal): Promise<never> {
    const { callMs } = config().timing;
    await this.#firstRead;
    await setTimeout(callMs, undefined, { signal });
    throw new SandkeeperError(
      'timeout',
      `It was not read within ${Math.ceil(callMs / 1_000)} s. Try its sandboxes separately.`,
    );
  }
}

function skippedFor(key: SandboxKey, failure: SandkeeperError | null): Skipped {
  const kind = failure?.code === 'not_offered' ? 'notOffered' : 'unreadable';
  return { sandboxKey: key, kind, reason: failure?.fullMessage ?? '', sandbox: lastKnown(key) };
}

function lastKnown(key: SandboxKey): Sandbox | null {
  try {
    return watcherOf(key).find(key) ?? null;
  } catch {
    // The connection was disabled or removed.
    return null;
  }
}

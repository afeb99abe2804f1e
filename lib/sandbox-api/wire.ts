import 'server-only';
import { z } from 'zod';
import { ownMetadata } from '../sandbox/metadata';
import { type Sandbox, SandboxId, type SandboxState } from '../sandbox/schema';

/**
 * Services differ in what they leave out and in which form they send it, so only an id is required: everything else is read
 * as far as it can be. A sandbox that cannot be read must still be listed, because it must be possible to kill it.
 */

/** Go's zero time and other times before this one stand for a missing time. */
const FIRST_TIME_MS = Date.UTC(2000, 0);
/** The last time that a `Date` can hold. */
const LAST_TIME_MS = 8_640_000_000_000_000;

/** An RFC 3339 time as epoch ms. `null` if it is missing or not a time. */
function timeOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return ms >= FIRST_TIME_MS && ms <= LAST_TIME_MS ? ms : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function amountOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function stateOf(value: unknown): SandboxState {
  return value === 'running' || value === 'paused' ? value : 'unknown';
}

/** A sandbox as its service knows it. */
export type ServiceSandbox = Omit<Sandbox, 'key'>;

/** Parses `ListedSandbox` and `SandboxDetail` (docs/protocol.md#schemas). Does not read tokens. */
export const WireSandbox = z.looseObject({ sandboxID: SandboxId }).transform(
  (wire): ServiceSandbox => ({
    id: wire.sandboxID,
    templateId: textOf(wire.templateID),
    alias: textOf(wire.alias) || null,
    state: stateOf(wire.state),
    metadata: ownMetadata(wire.metadata),
    startedAtMs: timeOf(wire.startedAt),
    endAtMs: timeOf(wire.endAt),
    cpuCount: amountOf(wire.cpuCount),
    memoryMB: amountOf(wire.memoryMB),
    diskSizeMB: amountOf(wire.diskSizeMB),
    envdVersion: textOf(wire.envdVersion),
    ...lifecycleOf(wire.lifecycle),
  }),
);

const WireLifecycle = z.object({
  onTimeout: z.enum(['pause', 'kill']),
  autoResume: z.boolean().catch(false),
});

/** E2B only, and in details only (docs/protocol.md#sandboxdetail-schema). */
function lifecycleOf(value: unknown): Pick<Sandbox, 'lifecycle'> {
  const { data } = WireLifecycle.safeParse(value);
  return data === undefined ? {} : { lifecycle: data };
}

/** The rows of a list that can be read, and the number of those that cannot. */
export function readRows<T>(
  rows: readonly unknown[],
  schema: { safeParse: (row: unknown) => { data?: T | undefined } },
): { read: T[]; unreadable: number } {
  const read: T[] = [];
  for (const row of rows) {
    const { data } = schema.safeParse(row);
    if (data !== undefined) read.push(data);
  }
  return { read, unreadable: rows.length - read.length };
}

/** The answer to a create request. */
export const WireStarted = z.object({ sandboxID: SandboxId });

export const WireTemplate = z.looseObject({ templateID: z.string().min(1) }).transform((wire) => ({
  id: wire.templateID,
  name: (Array.isArray(wire.aliases) && textOf(wire.aliases[0])) || wire.templateID,
  cpuCount: amountOf(wire.cpuCount),
  memoryMB: amountOf(wire.memoryMB),
}));
export type Template = z.infer<typeof WireTemplate>;

export const WireRun = z
  .looseObject({ sandboxID: z.string(), createdAt: z.unknown().transform(timeOf).pipe(z.number()) })
  .transform((wire) => ({
    sandboxId: wire.sandboxID,
    templateName: textOf(wire.alias) || textOf(wire.templateID),
    status: textOf(wire.status),
    createdAtMs: wire.createdAt,
    endReason: textOf(wire.endReason) || null,
    endedAtMs: timeOf(wire.endedAt),
  }));
export type SandboxRun = z.infer<typeof WireRun>;

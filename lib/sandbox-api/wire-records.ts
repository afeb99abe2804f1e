import 'server-only';
import { z } from 'zod';
import { SandboxId } from '../sandbox/schema';

/** What a service has recorded about sandboxes: logs, metrics and lifecycle events. Only times are required. */

const Time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue('not a time');
  return z.NEVER;
});
const Text = z.string().catch('');
const Amount = z.number().nonnegative().finite().nullable().catch(null);
const Fields = z.record(z.string(), z.string()).catch({});

/** Moru names the kind of an entry, E2B its level; the other is empty (docs/protocol.md#log-schemas). */
export const WireLogEntry = z
  .looseObject({ timestamp: Time, message: Text, eventType: Text, level: Text, fields: Fields })
  .transform(({ timestamp, message, eventType, level, fields }) => ({
    atMs: timestamp,
    eventType,
    level,
    message,
    fields,
  }));
export type LogEntry = z.infer<typeof WireLogEntry>;

/** docs/protocol.md#sandboxmetric-schema. `null`: the service does not report it. */
export const WireMetric = z
  .looseObject({
    timestamp: Time,
    cpuCount: Amount,
    cpuUsedPct: Amount,
    memUsed: Amount,
    memTotal: Amount,
    memCache: Amount.default(null),
    diskUsed: Amount,
    diskTotal: Amount,
  })
  .transform((wire) => ({
    atMs: wire.timestamp,
    cpuCount: wire.cpuCount,
    cpuUsedPercent: wire.cpuUsedPct,
    memoryUsedBytes: wire.memUsed,
    memoryTotalBytes: wire.memTotal,
    memoryCacheBytes: wire.memCache,
    diskUsedBytes: wire.diskUsed,
    diskTotalBytes: wire.diskTotal,
  }));
export type SandboxMetric = z.infer<typeof WireMetric>;

const WireEventData = z
  .looseObject({
    kill_reason: Text,
    execution: z.looseObject({ started_at: Time.nullable().catch(null) }).catch({ started_at: null }),
  })
  .catch({ kill_reason: '', execution: { started_at: null } });

/** Services write the names in either style (docs/protocol.md#e2b-events). */
export const WireEvent = z.looseObject({ type: z.string(), timestamp: Time }).transform((wire, context) => {
  const id = SandboxId.safeParse(wire.sandboxId ?? wire.sandboxID ?? wire.sandbox_id);
  if (!id.success) {
    context.addIssue('no sandbox');
    return z.NEVER;
  }
  const { kill_reason, execution } = WireEventData.parse(wire.eventData ?? wire.event_data ?? {});
  return {
    sandboxId: id.data,
    /** The last word of `sandbox.lifecycle.killed`. */
    kind: wire.type.split('.').at(-1) ?? '',
    atMs: wire.timestamp,
    killReason: kill_reason || null,
    startedAtMs: execution.started_at,
  };
});
export type LifecycleEvent = z.infer<typeof WireEvent>;

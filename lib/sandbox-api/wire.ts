import 'server-only';
import { z } from 'zod';
import { type Sandbox, SandboxId } from '../sandbox/schema';

const Time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: 'not an RFC 3339 time' });
  return z.NEVER;
});

/** Parses `ListedSandbox` and `SandboxDetail` (docs/protocol.md#schemas). Does not read tokens. */
export const WireSandbox = z
  .object({
    sandboxID: SandboxId,
    templateID: z.string(),
    alias: z.string().nullish(),
    state: z.string(),
    metadata: z.record(z.string(), z.string()).nullish(),
    startedAt: Time,
    endAt: Time,
    cpuCount: z.number(),
    memoryMB: z.number(),
    diskSizeMB: z.number().default(0),
    envdVersion: z.string().default(''),
  })
  .transform(
    (wire): Sandbox => ({
      id: wire.sandboxID,
      templateId: wire.templateID,
      alias: wire.alias ?? null,
      state: wire.state === 'running' || wire.state === 'paused' ? wire.state : 'unknown',
      metadata: wire.metadata ?? {},
      startedAtMs: wire.startedAt,
      endAtMs: wire.endAt,
      cpuCount: wire.cpuCount,
      memoryMB: wire.memoryMB,
      diskSizeMB: wire.diskSizeMB,
      envdVersion: wire.envdVersion,
    }),
  );

/** The answer to a create request. */
export const WireStarted = z.object({ sandboxID: SandboxId });

export const WireTemplate = z
  .object({
    templateID: z.string(),
    aliases: z.array(z.string()).nullish(),
    cpuCount: z.number(),
    memoryMB: z.number(),
  })
  .transform((wire) => ({
    id: wire.templateID,
    name: wire.aliases?.[0] ?? wire.templateID,
    cpuCount: wire.cpuCount,
    memoryMB: wire.memoryMB,
  }));
export type Template = z.infer<typeof WireTemplate>;

export const WireRun = z
  .object({
    sandboxID: z.string(),
    templateID: z.string(),
    alias: z.string().nullish(),
    status: z.string(),
    createdAt: Time,
    endReason: z.string().nullish(),
    endedAt: Time.nullish(),
  })
  .transform((wire) => ({
    sandboxId: wire.sandboxID,
    templateName: wire.alias ?? wire.templateID,
    status: wire.status,
    createdAtMs: wire.createdAt,
    endReason: wire.endReason ?? null,
    endedAtMs: wire.endedAt ?? null,
  }));
export type SandboxRun = z.infer<typeof WireRun>;

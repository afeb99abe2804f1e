import { join } from 'node:path';
import { z } from 'zod';
import type { Guest } from './guests';
import { SANDBOX_ID, type Tokens } from './ids';
import { stringMap } from './string-map';

/** The state that a sandbox falls back to if it times out later (docs/protocol.md#older-snapshots). */
export const Snapshot = z.object({
  /** Internal template, shown in the detail of a paused sandbox. */
  templateId: z.string(),
  /** Time of the first pause; later pauses keep it. */
  createdAtMs: z.number(),
  /** Start or resume before the last pause. */
  startedAtMs: z.number(),
  autoPause: z.boolean(),
});
export type Snapshot = z.infer<typeof Snapshot>;

const Network = z.object({
  allowOut: z.array(z.string()).optional(),
  denyOut: z.array(z.string()).optional(),
  allowPublicTraffic: z.boolean().optional(),
  maskRequestHost: z.string().optional(),
});

/** A sandbox in memory and in its file. Times are Unix milliseconds. */
export const SandboxRecord = z.object({
  version: z.literal(1),
  id: z.string().regex(SANDBOX_ID),
  templateId: z.string(),
  alias: z.string().optional(),
  state: z.enum(['running', 'pausing', 'paused', 'killing']),
  createdAtMs: z.number(),
  /** Creation or last resume. */
  startedAtMs: z.number(),
  /** Deadline of a running sandbox; first pause of a paused one. */
  endAtMs: z.number(),
  autoPause: z.boolean(),
  secure: z.boolean(),
  allowInternetAccess: z.boolean(),
  network: Network.optional(),
  metadata: stringMap(),
  envVars: stringMap(),
  cpuCount: z.number().int(),
  memoryMB: z.number().int(),
  diskSizeMB: z.number().int(),
  snapshot: Snapshot.nullable(),
});
export type SandboxRecord = Readonly<z.infer<typeof SandboxRecord>>;
export type RecordState = SandboxRecord['state'];

/** State in the API; null if the sandbox no longer exists for callers (docs/protocol.md#states). */
export const VISIBLE_STATE = {
  running: 'running',
  pausing: 'paused',
  paused: 'paused',
  killing: null,
} as const satisfies Record<RecordState, 'running' | 'paused' | null>;
export type VisibleState = 'running' | 'paused';

/** Picks what the guest side may know of a sandbox. */
export function toGuest(record: SandboxRecord, tokens: Tokens, guestsDir: string): Guest {
  const { id, templateId, state, secure, envVars, cpuCount, memoryMB, diskSizeMB, allowInternetAccess } =
    record;
  return {
    id,
    templateId,
    state,
    secure,
    accessToken: tokens.access(id),
    envVars,
    cpuCount,
    memoryMB,
    diskSizeMB,
    allowInternetAccess,
    dataDir: join(guestsDir, id),
  };
}

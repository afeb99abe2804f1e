import { z } from 'zod';
import { SANDBOX_ID } from './ids';

/** String to string. Read with `Object.hasOwn`: the keys are a stranger's. */
export const StringMap = z.record(z.string(), z.string());
export type StringMap = z.infer<typeof StringMap>;

/**
 * What a pause leaves behind and what a sandbox falls back to when it times out later
 * (docs/protocol.md#older-snapshots).
 */
export const Snapshot = z.object({
  /** The internal template a paused sandbox shows in its detail. */
  templateId: z.string(),
  /** The *first* pause; later ones do not touch it. */
  createdAtMs: z.number(),
  /** Start of the run that was paused last. */
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

/** Everything the control plane keeps of one sandbox; also the form of its file. Times are Unix milliseconds. */
export const SandboxRecord = z.object({
  version: z.literal(1),
  id: z.string().regex(SANDBOX_ID),
  templateId: z.string(),
  alias: z.string().optional(),
  state: z.enum(['running', 'pausing', 'paused', 'killing']),
  createdAtMs: z.number(),
  /** Start of this run: set anew by each resume. */
  startedAtMs: z.number(),
  /** The deadline while it runs; the first pause while it is paused. */
  endAtMs: z.number(),
  autoPause: z.boolean(),
  secure: z.boolean(),
  allowInternetAccess: z.boolean(),
  network: Network.optional(),
  metadata: StringMap,
  envVars: StringMap,
  cpuCount: z.number().int(),
  memoryMB: z.number().int(),
  diskSizeMB: z.number().int(),
  snapshot: Snapshot.nullable(),
});
export type SandboxRecord = Readonly<z.infer<typeof SandboxRecord>>;
export type RecordState = SandboxRecord['state'];

/** What callers see of a state; null is a sandbox that is not there any more (docs/protocol.md#states). */
export const SHOWN_STATE = {
  running: 'running',
  pausing: 'paused',
  paused: 'paused',
  killing: null,
} as const satisfies Record<RecordState, 'running' | 'paused' | null>;
export type ShownState = 'running' | 'paused';

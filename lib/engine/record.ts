import { join } from 'node:path';
import { z } from 'zod';
import type { Guest } from './guests';
import { SANDBOX_ID, type Tokens } from './ids';
import { stringMap } from './string-map';

/** Stands for every destination in `denyOut`. */
export const ALL_TRAFFIC = '0.0.0.0/0';

/** The state that a sandbox falls back to if it times out later (docs/protocol.md#older-snapshots). */
export const Snapshot = z.object({
  /** Internal template, shown in the detail of a paused sandbox. */
  templateId: z.string(),
  /** Time of the first pause; later pauses keep it. */
  createdAtMs: z.number(),
  /** Start or resume before the last pause. */
  startedAtMs: z.number(),
  autoPause: z.boolean(),
  /** Time of the last pause. Absent in records of earlier versions. */
  pausedAtMs: z.number().optional(),
  /** False if the pause ended the processes and kept only the files. Default: true. */
  keepsMemory: z.boolean().optional(),
});
export type Snapshot = z.infer<typeof Snapshot>;

export const NetworkRules = z.object({
  allowOut: z.array(z.string()).optional(),
  denyOut: z.array(z.string()).optional(),
  allowPublicTraffic: z.boolean().optional(),
  maskRequestHost: z.string().optional(),
  httpsPorts: z.array(z.number().int()).optional(),
});
export type NetworkRules = z.infer<typeof NetworkRules>;

/** A sandbox in memory and in its file. Times are Unix milliseconds. */
export const SandboxRecord = z.object({
  version: z.literal(1),
  id: z.string().regex(SANDBOX_ID),
  templateId: z.string(),
  /** Build of the template. Absent in a fork, and in records of earlier versions. */
  buildId: z.string().optional(),
  alias: z.string().optional(),
  state: z.enum(['running', 'pausing', 'paused', 'killing']),
  createdAtMs: z.number(),
  /** Creation or last resume. */
  startedAtMs: z.number(),
  /** Deadline of a running sandbox; first pause of a paused one. */
  endAtMs: z.number(),
  autoPause: z.boolean(),
  /** Whether the pause at the deadline keeps the processes. Default: true. */
  autoPauseMemory: z.boolean().optional(),
  /** Whether traffic resumes the sandbox when it is paused. Default: false. */
  autoResume: z.boolean().optional(),
  /** Timeout named at the creation, which a resume by traffic uses. */
  timeoutMs: z.number().optional(),
  secure: z.boolean(),
  /** Null if the creation did not say. */
  allowInternetAccess: z.boolean().nullable(),
  network: NetworkRules.optional(),
  /** The service that the creation addressed. Its variables are set inside. Default: Moru. */
  dialect: z.enum(['moru', 'e2b']).optional(),
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

/** Whether a request to the sandbox resumes it. */
export function wakesByTraffic(record: SandboxRecord): boolean {
  const isAsleep = record.state === 'paused' || record.state === 'pausing';
  return isAsleep && record.autoResume === true && record.snapshot?.keepsMemory !== false;
}

/** Whether a sandbox may reach anything beyond its own loopback, if the engine offers a network. */
export function mayUseNetwork({
  allowInternetAccess,
  network,
}: Pick<SandboxRecord, 'allowInternetAccess' | 'network'>): boolean {
  return allowInternetAccess !== false && network?.denyOut?.includes(ALL_TRAFFIC) !== true;
}

/** Picks what the guest side may know of a sandbox. */
export function toGuest(record: SandboxRecord, tokens: Tokens, guestsDir: string): Guest {
  const { id, templateId, state, secure, envVars, cpuCount, memoryMB, diskSizeMB, network } = record;
  return {
    id,
    templateId,
    state,
    secure,
    accessToken: tokens.access(id),
    dialect: record.dialect ?? 'moru',
    envVars,
    cpuCount,
    memoryMB,
    diskSizeMB,
    allowInternetAccess: mayUseNetwork(record),
    ...(network?.maskRequestHost === undefined ? {} : { maskRequestHost: network.maskRequestHost }),
    httpsPorts: network?.httpsPorts ?? [],
    dataDir: join(guestsDir, id),
  };
}
